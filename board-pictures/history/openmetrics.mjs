// Reads what /metrics serves, and writes the samples of a history for `promtool tsdb create-blocks-from openmetrics`.
import fs from 'node:fs';

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/**
 * The families of an exposition: `samples` by the full name of the series, such as `…_bucket`, and the `declared` names and
 * types. Label values stay escaped, so that they can be written back as they are.
 */
export function parse(text) {
  const samples = new Map();
  const declared = new Map();
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type) declared.set(type[1], type[2]);
    const match = SAMPLE.exec(line);
    if (!match || line.startsWith('#')) continue;
    const labels = Object.fromEntries(
      [...(match[2] ?? '').matchAll(LABEL)].map(([, name, value]) => [name, value]),
    );
    if (!samples.has(match[1])) samples.set(match[1], []);
    samples.get(match[1]).push({ labels, value: Number(match[3]) });
  }
  return { samples, declared };
}

/** Writes families to a file; `target` are the labels that Prometheus adds to what it scrapes. */
export class Writer {
  constructor(file, target) {
    this.file = fs.openSync(file, 'w');
    this.target = target;
    this.written = new Set();
    this.count = 0;
  }

  /**
   * All series of one name. `rows` are pairs of labels and points, a point being a pair of Unix seconds and a value. The type is
   * always "unknown": Prometheus does not store it, and with it promtool takes any name as it stands.
   */
  family(name, rows) {
    if (this.written.has(name)) throw new Error(`${name} is written twice`);
    this.written.add(name);
    const lines = [`# TYPE ${name} unknown\n`];
    for (const [labels, points] of rows) {
      const head = `${name}{${Object.entries({ ...this.target, ...labels })
        .map(([label, value]) => `${label}="${value}"`)
        .join(',')}}`;
      for (const [time, value] of points) {
        lines.push(`${head} ${value} ${time}\n`);
        this.count += 1;
      }
      // In pieces: all of it as one text would be several hundred megabytes.
      if (lines.length > 50_000) fs.writeSync(this.file, lines.splice(0).join(''));
    }
    fs.writeSync(this.file, lines.join(''));
  }

  end() {
    fs.writeSync(this.file, '# EOF\n');
    fs.closeSync(this.file);
  }
}
