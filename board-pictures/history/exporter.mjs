// The exporter's own families: polls every five minutes, with a bad half hour nine hours ago.
import { random } from './lives.mjs';

const HOUR = 3600;
const DAY = 24 * HOUR;
const POLL = 300;
// The board of the exporter opens with a day, for which there is a sample each minute; before it, one with every step.
const CLOSE = 26 * HOUR;
// What a failed request shows as, by the code of the response.
const REASONS = { 503: 'server_error', 429: 'rate_limited', none: 'timeout' };
const SEARCH = /^nectar_(api|exporter|webhook)_.*_(total|bucket|sum|count)$/;

export function write(writer, { samples }, grid) {
  const chance = random(11);
  const counters = startAtZero(samples);
  const series = new Map();
  const record = (name, labels, time, value) => {
    const place = JSON.stringify([name, labels]);
    if (!series.has(place)) series.set(place, []);
    series.get(place).push([time, value]);
  };
  const bad = (time) => time > grid.now - 9.5 * HOUR && time < grid.now - 9 * HOUR;
  const companies = samples.get('nectar_company_info');
  const now = (name) => samples.get(name)[0].value;
  const served = [...samples.values()].reduce((sum, family) => sum + family.length, 0);
  let lastGood = grid.begin;
  let whole = true;
  let cpu = 0;
  const receives = samples.has('nectar_webhook_events_total');
  let lastEvent;
  for (let time = grid.begin; time <= grid.now; time += 60) {
    if ((time - grid.begin) % POLL === 0) {
      whole = poll(counters, companies.length, bad(time), chance);
      if (whole) lastGood = time;
      if (receives && event(counters, chance)) lastEvent = time;
      cpu += 0.35;
    }
    cpu += 0.016;
    if (time < grid.now - CLOSE && (time - grid.begin) % grid.step !== 0) continue;
    for (const { name, labels, value } of counters.values()) record(name, labels, time, value);
    const gauges = {
      up: 1,
      nectar_up: Number(whole),
      nectar_exporter_last_success_timestamp_seconds: lastGood,
      process_cpu_seconds_total: cpu,
      process_resident_memory_bytes: now('process_resident_memory_bytes') + Math.round(chance() * 2e6),
      process_open_fds: 14 + (Math.floor(time / POLL) % 3),
      process_start_time_seconds: grid.begin - DAY,
      nectar_exporter_start_timestamp_seconds: grid.begin - DAY,
      scrape_samples_scraped: served + (Math.floor(time / 900) % 40),
    };
    if (lastEvent) gauges.nectar_webhook_last_event_timestamp_seconds = lastEvent;
    for (const [name, value] of Object.entries(gauges)) record(name, {}, time, value);
    for (const { labels } of companies) {
      const { company_id, company } = labels;
      record('nectar_company_last_success_timestamp_seconds', { company_id, company }, time, lastGood);
    }
  }
  const families = new Map();
  for (const [place, points] of series) {
    const [name, labels] = JSON.parse(place);
    families.set(name, [...(families.get(name) ?? []), [labels, points]]);
  }
  for (const [name, rows] of families) writer.family(name, rows);
}

const place = (name, labels) => JSON.stringify([name, Object.entries(labels).sort()]);

function startAtZero(samples) {
  const counters = new Map();
  for (const [name, family] of samples) {
    if (!SEARCH.test(name)) continue;
    for (const { labels } of family) counters.set(place(name, labels), { name, labels, value: 0 });
  }
  return counters;
}

function rise(counters, name, labels, by = 1) {
  const at = place(name, labels);
  // A code that no request has had so far has no series yet.
  if (!counters.has(at)) counters.set(at, { name, labels, value: 0 });
  counters.get(at).value += by;
}

function observe(counters, name, labels, seconds) {
  rise(counters, `${name}_sum`, labels, seconds);
  rise(counters, `${name}_count`, labels);
  for (const counter of counters.values()) {
    if (counter.name !== `${name}_bucket`) continue;
    const { le, ...rest } = counter.labels;
    const fits = le === '+Inf' || seconds <= Number(le);
    if (fits && place('', rest) === place('', labels)) counter.value += 1;
  }
}

/** One poll: a request for the companies and one for each. Whether all of them were read. */
function poll(counters, companies, bad, chance) {
  let seconds = 0;
  let whole = true;
  for (let index = 0; index <= companies; index += 1) {
    const endpoint = index === 0 ? 'company' : 'connections';
    let tries = 1;
    let took = (index === 0 ? 0.1 : 0.2) * Math.exp((chance() - 0.5) * 2) * (bad ? 4 : 1);
    while (bad && tries < 4 && chance() < 0.45) {
      const code = ['503', '503', '429', 'none'][Math.floor(chance() * 4)];
      rise(counters, 'nectar_api_requests_total', { endpoint, code });
      rise(counters, 'nectar_api_request_failures_total', { endpoint, reason: REASONS[code] });
      rise(counters, 'nectar_api_request_retries_total', { endpoint });
      observe(counters, 'nectar_api_request_duration_seconds', { endpoint }, took * 1.5);
      took += 1.5;
      tries += 1;
    }
    if (tries === 4) {
      whole = false;
      continue;
    }
    rise(counters, 'nectar_api_requests_total', { endpoint, code: '200' });
    observe(counters, 'nectar_api_request_duration_seconds', { endpoint }, took);
    seconds += took / 8;
  }
  rise(counters, 'nectar_exporter_polls_total', {});
  if (!whole) rise(counters, 'nectar_exporter_poll_failures_total', { reason: 'server_error' });
  observe(counters, 'nectar_exporter_poll_duration_seconds', {}, seconds);
  return whole;
}

/** Sometimes a status changes or a bill comes, and sometimes a stranger sends a request. Whether there was an event. */
function event(counters, chance) {
  const outcomes = {
    reading: ['connection.updated', 'connection.validated'],
    ignored: ['document', 'document'],
    malformed: ['unknown'],
  };
  const outcome = [undefined, undefined, undefined, 'reading', 'ignored', 'malformed'][Math.floor(chance() * 6)];
  for (const type of outcomes[outcome] ?? []) rise(counters, 'nectar_webhook_events_total', { type, outcome });
  if (outcome === 'reading')
    observe(counters, 'nectar_webhook_reading_delay_seconds', {}, 10 * Math.exp((chance() - 0.5) * 2));
  return outcome === 'reading' || outcome === 'ignored';
}
