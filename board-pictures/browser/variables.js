// The variables of a board: their options from Prometheus, what is chosen, and filling them in as queries, titles and links do.
import { getFieldDisplayName } from '@grafana/data';
import { instant, labelValues } from './prometheus.js';

const REFERENCE = /\$\{([\w.]+)(?:\["([^"]+)"\])?(?::(\w+))?\}|\$([a-zA-Z_]\w*)/g;
const ALL = '$__all';

/** Text that a regular expression within a PromQL string takes for itself. */
const literal = (text) => text.replaceAll('\\', '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&');
const quoted = (text) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

export class Variables {
  /** `range` is the time range of the board, `fault` takes what is wrong. */
  constructor(range, fault) {
    this.range = range;
    this.fault = fault;
    this.chosen = {};
  }

  /** Finds the options of each variable and chooses: what `asked` says, else all of them, else the first. */
  async choose(list, asked) {
    for (const variable of list) {
      const { name, type } = variable;
      const wish = asked(name);
      if (type === 'datasource') this.chosen[name] = { text: 'Prometheus', value: 'prometheus' };
      else if (type === 'textbox' || type === 'constant')
        this.chosen[name] = { text: wish ?? variable.query ?? '', value: wish ?? variable.query ?? '' };
      else if (type === 'query') this.chosen[name] = choice(variable, await this.options(variable), wish);
      else this.fault(`variable ${name}: type ${type} is not known`);
    }
  }

  async options({ name, query, regex, sort }) {
    const asked = this.query(query.query);
    const labels = /^label_values\((?:([\s\S]*),)?\s*(\w+)\s*\)$/.exec(asked);
    const result = /^query_result\(([\s\S]*)\)$/.exec(asked);
    let found = [];
    if (labels) found = await labelValues(labels[2], labels[1], this.range);
    else if (result) found = (await instant(result[1], this.range.to)).map(asText);
    else this.fault(`variable ${name}: query ${asked} is not known`);
    let options = found.map((text) => ({ text, value: text }));
    if (regex) {
      const pattern = new RegExp(regex.slice(1, regex.lastIndexOf('/')));
      options = found
        .map((text) => pattern.exec(text))
        .filter(Boolean)
        .map((match) => {
          const { text, value } = match.groups ?? {};
          return {
            text: text ?? value ?? match[1] ?? match[0],
            value: value ?? text ?? match[1] ?? match[0],
          };
        });
    }
    if (sort) options.sort((one, other) => one.text.localeCompare(other.text));
    return options;
  }

  /** A query with its variables filled in, as the data source does; `more` are those of one query, such as its step. */
  query(text, more = {}) {
    return this.fill(text, {
      more,
      format: ({ value, all, multi }) => {
        if (all) return all;
        return multi ? literal(value) : quoted(value);
      },
    });
  }

  /** A title, text or link. `data` is the row, field and frame that a link stands at. */
  fill(text, { data, more = {}, format = ({ text: shown }) => shown } = {}) {
    return text?.replace(REFERENCE, (whole, braced, key, style, plain) => {
      const name = braced ?? plain;
      const encoded = (value) => (style === 'percentencode' ? encodeURIComponent(value) : String(value));
      if (name in more) return more[name];
      if (name === '__url_time_range') return `from=${this.range.raw.from}&to=${this.range.raw.to}`;
      if (name.startsWith('__')) {
        const value = data && ofRow(name, key, data);
        if (value === undefined) this.fault(`nothing is known for ${whole} in ${text}`);
        return encoded(value ?? whole);
      }
      const chosen = this.chosen[name];
      if (!chosen) {
        this.fault(`no variable for ${whole} in ${text}`);
        return whole;
      }
      if (style === 'queryparam') return `var-${name}=${chosen.all ? ALL : encodeURIComponent(chosen.value)}`;
      return style === 'percentencode' ? encoded(chosen.value) : format(chosen);
    });
  }
}

function choice({ includeAll, allValue, multi }, options, wish) {
  // What an address says is kept even when it is no option, as when the exporter is dead.
  if (wish) return { ...(options.find(({ value }) => value === wish) ?? { text: wish, value: wish }), multi };
  if (includeAll) return { text: 'All', value: ALL, all: allValue ?? '.*', multi };
  return { ...(options[0] ?? { text: '', value: '' }), multi };
}

/** A series as `query_result` shows it. */
function asText({ metric, value: [time, value] }) {
  const { __name__: name = '', ...labels } = metric;
  const list = Object.entries(labels)
    .sort()
    .map(([label, text]) => `${label}="${text}"`);
  return `${name}{${list.join(',')}} ${value} ${Math.round(time * 1000)}`;
}

function ofRow(name, key, { frame, field, rowIndex = 0, calculatedValue }) {
  const of = (wanted) =>
    frame.fields.find((one) => one.name === wanted || getFieldDisplayName(one, frame) === wanted);
  const [, kind, part, last] = /^__([a-z]+)\.(\w+)(?:\.(\w+))?$/.exec(name) ?? [];
  if (kind === 'data' && part === 'fields') return of(key ?? last)?.values[rowIndex];
  if (kind === 'value')
    return calculatedValue?.[part === 'raw' ? 'numeric' : part] ?? field?.values[rowIndex];
  if (kind === 'field' && part === 'labels') return field?.labels?.[last];
  if (kind === 'field' && part === 'name') return field && getFieldDisplayName(field, frame);
  return undefined;
}
