// The families on companies, logins and accounts, over the whole history. A new one is a line in FAMILIES.
import { lives, random } from './lives.mjs';

const HOUR = 3600;
const DAY = 24 * HOUR;
const COMPANY = ['company_id', 'company', 'status', 'category'];
const UTILITY = ['company_id', 'company', 'datasource', 'status', 'category'];
const CHANGES = ['company_id', 'status', 'category'];
const MENDED = ['intervention_needed', 'website_issue'];
// The bounds of the exporter's histogram of how long a status lasted.
const LASTED = [HOUR, 6 * HOUR, DAY, 2 * DAY, 3 * DAY, 5 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY];

/** What is modelled. What the exporter does not serve is left out; what is served and not named here stays as it is now. */
const FAMILIES = [
  counts('nectar_connections', 'connection', COMPANY),
  counts('nectar_accounts', 'account', COMPANY),
  counts('nectar_datasource_connections', 'connection', UTILITY),
  shares('nectar_connections_overdue', 'connection', COMPANY),
  shares('nectar_accounts_overdue', 'account', COMPANY),
  shares('nectar_datasource_connections_recently_checked', 'connection', UTILITY),
  changes('nectar_connection_status_changes_total', 'connection', CHANGES),
  changes('nectar_account_status_changes_total', 'account', CHANGES),
  lasted('nectar_connection_status_duration_seconds_sum', ['category', 'status'], {
    value: (seconds) => seconds,
  }),
  lasted('nectar_connection_status_duration_seconds_count', ['category', 'status']),
  lasted('nectar_connection_status_duration_seconds_bucket', ['category', 'status'], { bounds: LASTED }),
  lasted('nectar_company_status_durations_total', ['company_id', 'category']),
  lasted('nectar_company_status_duration_seconds_total', ['company_id', 'category'], {
    value: (seconds) => seconds,
  }),
  each('nectar_connection_status', ['company_id', 'connection_id', 'status', 'category'], () => 1),
  each(
    'nectar_connection_not_connected_since_timestamp_seconds',
    ['company_id', 'connection_id', ...UTILITY.slice(2)],
    ({ from }) => from,
  ),
];

/** Writes all of it. `grid` has `begin`, `far` (before it), `now`, `step` and `lookback`, in seconds. */
export function write(writer, exposition, grid) {
  const chance = random(7);
  const objects = {};
  for (const kind of ['connection', 'account'])
    objects[kind] = lives(kind, exposition, grid.far, grid.now, chance);
  const served = (name) =>
    exposition.samples.has(name) || exposition.declared.has(name.replace(/_(bucket|sum|count)$/, ''));
  for (const { name, rows } of FAMILIES) {
    if (served(name))
      writer.family(
        name,
        rows({ now: exposition.samples.get(name) ?? [], samples: exposition.samples, objects, grid }),
      );
  }
}

/**
 * What is served and not modelled, as it is now: without what is only on one object, for 1,200 logins every hour are a million
 * samples that no board asks for. Times that move on with each poll moved on in the past, too; others do not exist before they come.
 */
export function writeRest(writer, { samples }, grid) {
  const moving = /(last_success|last_update|next_check_due)_timestamp_seconds$/;
  for (const [name, family] of samples) {
    if (writer.written.has(name) || family.some(({ labels }) => labels.connection_id || labels.account_id))
      continue;
    const rows = family.map(({ labels, value }) => [
      labels,
      times(grid)
        .map((time) => [time, moving.test(name) ? value - (grid.now - time) : value])
        .filter(([time, then]) => !name.endsWith('_timestamp_seconds') || moving.test(name) || then <= time),
    ]);
    writer.family(name, rows);
  }
}

function times({ begin, now, step }) {
  return Array.from({ length: Math.floor((now - begin) / step) + 1 }, (_, index) => begin + index * step);
}

const key = (labels, names) => JSON.stringify(names.map((name) => labels[name]));
const labelsOf = (text, names) =>
  Object.fromEntries(JSON.parse(text).map((value, index) => [names[index], value]));

/** How many objects had each status, at every step; by the values of `names`. Series that are served now are there from the start. */
function tally(kind, names, now, objects, grid) {
  const length = times(grid).length;
  const series = new Map(now.map(({ labels }) => [key(labels, names), new Array(length).fill(0)]));
  for (const { labels, episodes } of objects[kind]) {
    for (const { status, category, from, to } of episodes) {
      const place = key({ ...labels, status, category }, names);
      if (!series.has(place)) series.set(place, new Array(length).fill(0));
      const values = series.get(place);
      const last = Math.min(length, Math.ceil((to - grid.begin) / grid.step));
      for (let index = Math.max(0, Math.ceil((from - grid.begin) / grid.step)); index < last; index += 1)
        values[index] += 1;
    }
  }
  return series;
}

/** Pairs of labels and points. A series that is not served now ends early enough not to be taken for one that is. */
function rowsOf(series, names, now, grid, keep = () => true) {
  const served = new Set(now.map(({ labels }) => key(labels, names)));
  const at = times(grid);
  return [...series].map(([text, values]) => {
    const end = served.has(text) ? grid.now : grid.now - grid.lookback;
    return [
      labelsOf(text, names),
      values.map((value, index) => [at[index], value]).filter(([time, value]) => time <= end && keep(value)),
    ];
  });
}

function counts(name, kind, names) {
  // At a utility only what is not 0 is served.
  const keep = (value) => value > 0 || !names.includes('datasource');
  return {
    name,
    rows: ({ now, objects, grid }) => rowsOf(tally(kind, names, now, objects, grid), names, now, grid, keep),
  };
}

/** A part of the objects with each status: as large a part as now, coming and going by a third in nine days. */
function shares(name, kind, names) {
  const rows = ({ now, samples, objects, grid }) => {
    const statuses = new Set(now.map(({ labels }) => labels.status));
    const whole = samples
      .get(`nectar_${names === UTILITY ? 'datasource_connections' : `${kind}s`}`)
      .filter(({ labels }) => statuses.has(labels.status));
    const sum = (family) => family.reduce((total, { value }) => total + value, 0);
    const share = sum(now) / Math.max(1, sum(whole));
    const wave = (index) => 1 + Math.sin(((index * grid.step) / (9 * DAY)) * 2 * Math.PI) / 3;
    const series = [...tally(kind, names, whole, objects, grid)]
      .filter(([text]) => statuses.has(labelsOf(text, names).status))
      .map(([text, values]) => [
        text,
        values.map((value, index) => Math.min(value, Math.round(value * share * wave(index)))),
      ]);
    return rowsOf(series, names, now, grid, (value) => value > 0 || names !== UTILITY);
  };
  return { name, rows };
}

/** A counter that rises at the times in `rises`, pairs of Unix seconds and how much. */
function counter(rises, grid) {
  rises.sort(([one], [other]) => one - other);
  let [total, next] = [0, 0];
  return times(grid).map((time) => {
    while (next < rises.length && rises[next][0] <= time) total += rises[next++][1];
    return [time, total];
  });
}

function changes(name, kind, names) {
  const rows = ({ objects, grid }) => {
    const rises = new Map();
    for (const { labels, episodes } of objects[kind]) {
      // The oldest episode began before the history or with the object: nobody saw a change.
      for (const { status, category, from } of episodes.slice(0, -1)) {
        const place = key({ ...labels, status, category }, names);
        rises.set(place, [...(rises.get(place) ?? []), [from, 1]]);
      }
    }
    return [...rises].map(([text, list]) => [labelsOf(text, names), counter(list, grid)]);
  };
  return { name, rows };
}

/** How long logins were in a status that needs somebody, counted when they left it: `value` of the seconds, at most each bound. */
function lasted(name, names, { value = () => 1, bounds } = {}) {
  const rows = ({ objects, grid }) => {
    const rises = new Map();
    for (const { labels, episodes } of objects.connection) {
      for (const { status, category, from, to } of episodes.slice(0, -1)) {
        if (to === Infinity || !MENDED.includes(category)) continue;
        const place = key({ ...labels, status, category }, names);
        rises.set(place, [...(rises.get(place) ?? []), [to, to - from]]);
      }
    }
    // Four weeks are compared with the four before them, also four weeks ago.
    const span = { ...grid, begin: grid.far };
    const within = (list, bound) =>
      counter(
        list.filter(([, seconds]) => seconds <= bound).map(([at, seconds]) => [at, value(seconds)]),
        span,
      );
    return [...rises].flatMap(([text, list]) =>
      [...(bounds ?? []), Infinity].map((bound) => {
        const le = bounds ? { le: bound === Infinity ? '+Inf' : String(bound) } : {};
        return [{ ...labelsOf(text, names), ...le }, within(list, bound)];
      }),
    );
  };
  return { name, rows };
}

/** A series of each login that is in trouble, or was; and all of those that are in trouble now, for the pictures show one of them. */
function each(name, names, value) {
  const rows = ({ objects, now, grid }) => {
    const served = new Set(now.map(({ labels }) => key(labels, names)));
    const usual = (episode) => episode.status === 'CONNECTED';
    const all = [];
    for (const { labels, episodes } of objects.connection) {
      const troubled = !usual(episodes[0]) && !name.includes('not_connected');
      for (const episode of episodes.filter((one) => troubled || !usual(one))) {
        const full = { ...labels, ...episode };
        const end = served.has(key(full, names)) ? grid.now : Math.min(episode.to, grid.now - grid.lookback);
        all.push([
          Object.fromEntries(names.map((label) => [label, full[label]])),
          times(grid)
            .filter((time) => time >= episode.from && time < Math.min(episode.to, end + 1))
            .map((time) => [time, value(episode)]),
        ]);
      }
    }
    // One login may have had a status twice: that is one series.
    const merged = new Map();
    for (const [labels, points] of all)
      merged.set(key(labels, names), [...points, ...(merged.get(key(labels, names)) ?? [])]);
    return [...merged].map(([text, points]) => [
      labelsOf(text, names),
      points.sort(([one], [other]) => one - other),
    ]);
  };
  return { name, rows };
}
