// Queries to Prometheus, and their results as data frames, in the form in which panels get them from Grafana's data source. That
// one's licence is the AGPL: this is written from what it can be seen to do.
import { FieldType, rangeUtil, toDataFrame } from '@grafana/data';

// As in a data source that is told nothing else.
const SCRAPE_INTERVAL = 60;

async function api(path, parameters) {
  const response = await fetch(`/prometheus/api/v1/${path}`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
  });
  const body = await response.json();
  if (body.status !== 'success') throw new Error(`${body.error} in ${parameters.query}`);
  // An info or a warning is a fault of the query, such as a rate of what is no counter.
  for (const said of [...(body.warnings ?? []), ...(body.infos ?? [])])
    throw new Error(`${said} in ${parameters.query}`);
  return body.data;
}

/** The series of an instant query. `time` is in milliseconds. */
export async function instant(query, time) {
  const { result, resultType } = await api('query', { query, time: String(time / 1000) });
  return resultType === 'scalar' ? [{ metric: {}, value: result }] : result;
}

export async function labelValues(label, match, { from, to }) {
  const parameters = {
    start: String(from / 1000),
    end: String(to / 1000),
    ...(match ? { 'match[]': match } : {}),
  };
  const response = await fetch(`/prometheus/api/v1/label/${label}/values?${new URLSearchParams(parameters)}`);
  return (await response.json()).data;
}

/** The frames of all queries of a panel that is `width` pixels wide. */
export async function frames(panel, range, width, variables, fault) {
  const least = panel.interval ? rangeUtil.intervalToSeconds(panel.interval) : SCRAPE_INTERVAL;
  const spread = { from: { valueOf: () => range.from }, to: { valueOf: () => range.to } };
  const { intervalMs } = rangeUtil.calculateInterval(spread, panel.maxDataPoints ?? width, `${least}s`);
  const step = Math.max(intervalMs / 1000, (range.to - range.from) / 1000 / 11_000);
  const seconds = Math.round((range.to - range.from) / 1000);
  const more = {
    __interval: `${step}s`,
    __interval_ms: String(step * 1000),
    __rate_interval: `${Math.max(step + least, 4 * least)}s`,
    __range: `${seconds}s`,
    __range_s: String(seconds),
    __range_ms: String(range.to - range.from),
  };
  const asked = panel.targets.filter(({ hide }) => !hide);
  const results = await Promise.all(
    asked.map(async (target) => {
      const query = variables.query(target.expr, more);
      try {
        if (target.instant) return await instant(query, range.to);
        const [start, end] = [range.from, range.to].map((time) =>
          String(Math.floor(time / 1000 / step) * step),
        );
        return (await api('query_range', { query, start, end, step: String(step) })).result;
      } catch (error) {
        fault(`query ${target.refId}: ${error.message}`);
        return [];
      }
    }),
  );
  const tables = asked.filter(({ format }) => format === 'table').length;
  return asked.flatMap((target, index) => {
    const shaped =
      target.format === 'table'
        ? [table(target, results[index], tables > 1)]
        : series(target, results[index], step);
    return shaped.map((frame) => toDataFrame({ refId: target.refId, ...frame }));
  });
}

const number = (text) => (/Inf$/.test(text) ? Number(text.replace('Inf', 'Infinity')) : Number(text));

/** One frame with a column for each label, of all series. */
function table({ refId }, result, several) {
  if (!result.length) return { fields: [] };
  const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const rows = result.flatMap(({ metric, value, values }) =>
    (values ?? [value]).map(([time, text]) => ({ metric, time, text })),
  );
  return {
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: rows.map(({ time }) => time * 1000) },
      ...labels.map((label) => ({
        name: label,
        type: FieldType.string,
        config: { filterable: true },
        values: rows.map(({ metric }) => metric[label] ?? ''),
      })),
      {
        name: several ? `Value #${refId}` : 'Value',
        type: FieldType.number,
        config: {},
        values: rows.map(({ text }) => number(text)),
      },
    ],
  };
}

/** A frame of each series. */
function series({ instant: once, legendFormat }, result, step) {
  if (!result.length) return [{ fields: [] }];
  return result.map(({ metric, value, values }) => {
    const points = values ?? [value];
    const name = legend(legendFormat, metric);
    return {
      name,
      fields: [
        {
          name: 'Time',
          type: FieldType.time,
          config: once ? {} : { interval: step * 1000 },
          values: points.map(([time]) => time * 1000),
        },
        {
          name: 'Value',
          type: FieldType.number,
          labels: metric,
          config: { displayNameFromDS: name },
          values: points.map(([, text]) => number(text)),
        },
      ],
    };
  });
}

function legend(format, metric) {
  if (format && format !== '__auto')
    return format.replace(/\{\{\s*(\S+?)\s*\}\}/g, (_whole, label) => metric[label] ?? '');
  const { __name__: name = '', ...labels } = metric;
  return `${name}{${Object.entries(labels)
    .map(([label, text]) => `${label}="${text}"`)
    .join(', ')}}`;
}
