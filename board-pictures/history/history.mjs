// 45 days of made-up history that end in what an exporter shows now: node history/history.mjs METRICS OUT
import fs from 'node:fs';
import * as exporter from './exporter.mjs';
import * as fleet from './fleet.mjs';
import { parse, Writer } from './openmetrics.mjs';

const DAY = 86400;

/** Prometheus must look back further than a step, or the history would have gaps. In seconds. */
export const STEP = 3600;
export const LOOKBACK = STEP + 300;
/** What Prometheus scrapes has these labels. */
export const TARGET = { job: 'nectar', instance: 'nectar-exporter:10942' };

/** Writes the history that leads to `exposition` into `file`; returns the number of samples. */
export function write(exposition, file, seconds) {
  const now = Math.floor(seconds / 60) * 60 - 60;
  const grid = { now, begin: now - 45 * DAY, far: now - 90 * DAY, step: STEP, lookback: LOOKBACK };
  const families = parse(exposition);
  const writer = new Writer(file, TARGET);
  fleet.write(writer, families, grid);
  exporter.write(writer, families, grid);
  fleet.writeRest(writer, families, grid);
  writer.end();
  return writer.count;
}

if (process.argv[1] === import.meta.filename) {
  const [metrics, file] = process.argv.slice(2);
  console.log(write(fs.readFileSync(metrics, 'utf8'), file, Date.now() / 1000), 'samples');
}
