// Starts and ends the programs that pictures are taken of: the exporter, the simulated Nectar, Prometheus with its history.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import * as history from './history/history.mjs';

const running = new Set();
// An interrupted run leaves nothing behind.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Asks `condition` until it gives something, and fails with `what` after so many seconds. */
export async function until(what, condition, seconds = 120) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await pause(200);
  }
}

/**
 * Starts a program that serves on a free port and logs which. Gives its URL, and `stop`. `log` is a file for what it prints.
 */
export async function start(command, args, log) {
  const output = fs.openSync(log, 'w');
  const child = spawn(command, args, { stdio: ['ignore', output, output] });
  fs.closeSync(output);
  running.add(child);
  const ended = new Promise((done) => child.once('exit', done));
  ended.then(() => running.delete(child));
  const said = () => fs.readFileSync(log, 'utf8');
  const address = await until(`${path.basename(command)} to listen`, () => {
    if (child.exitCode !== null) throw new Error(`${command} ended:\n${said()}`);
    return /msg="Listening on".* address=(\S+)/.exec(said())?.[1];
  });
  const stop = async () => {
    child.kill();
    await ended;
  };
  return { url: `http://${address}`, stop };
}

export async function text(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.text();
}

/** Whether a URL answers with 200. What does not answer at all does not, either. */
export async function answers(url) {
  return fetch(url).then(
    ({ status }) => status === 200,
    () => false,
  );
}

/** An exporter that polls a simulated Nectar at its pace in life, and has polled it. */
export async function demo(exporter, folder) {
  const args = [
    'demo',
    '--sim.speed=1',
    '--metrics.detail=accounts',
    '--nectar.poll-interval=5m',
    '--web.listen-address=127.0.0.1:0',
  ];
  const server = await start(exporter, args, path.join(folder, 'exporter.log'));
  await until('the first poll', () => answers(`${server.url}/-/ready`));
  return server;
}

/** A Prometheus that has a history which leads to what the exporter shows, scrapes it, and evaluates the rules in `alerts`. */
export async function prometheus(exporter, alerts, folder) {
  const [samples, data] = [path.join(folder, 'history.om'), path.join(folder, 'data')];
  history.write(await text(`${exporter.url}/metrics`), samples, Date.now() / 1000);
  fs.mkdirSync(data);
  // One block for all: with its usual two hours, promtool reads the file 540 times.
  const blocks = ['tsdb', 'create-blocks-from', 'openmetrics', '--max-block-duration=1500h', samples, data];
  execFileSync('promtool', blocks, { stdio: ['ignore', 'ignore', 'inherit'] });
  fs.rmSync(samples);
  const rules = ['nectar-recording.yml', 'nectar-alerts.yml'];
  for (const name of rules) {
    const file = fs.readFileSync(path.join(alerts, name), 'utf8');
    // Nobody wants to wait for half an hour until an alert is in the picture.
    const hasty = file
      .replace(/^( +(?:for|keep_firing_for):).*/gm, '$1 10s')
      .replace(/^( +interval:).*/gm, '$1 15s');
    fs.writeFileSync(path.join(folder, name), hasty);
  }
  const config = {
    global: { scrape_interval: '15s', evaluation_interval: '15s' },
    rule_files: rules,
    scrape_configs: [
      {
        job_name: history.TARGET.job,
        static_configs: [
          { targets: [new URL(exporter.url).host], labels: { instance: history.TARGET.instance } },
        ],
      },
    ],
  };
  // JSON is YAML, too.
  fs.writeFileSync(path.join(folder, 'prometheus.yml'), JSON.stringify(config));
  const args = [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${data}`,
    '--storage.tsdb.retention.time=100d',
  ];
  args.push('--web.listen-address=127.0.0.1:0', `--query.lookback-delta=${history.LOOKBACK}s`);
  const server = await start('prometheus', args, path.join(folder, 'prometheus.log'));
  await until('Prometheus', () => answers(`${server.url}/-/ready`));
  return server;
}

/** The results of an instant query. */
export async function query(prometheus, expression) {
  const body = JSON.parse(
    await text(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query: expression })}`),
  );
  return body.data.result;
}

/** Waits until Prometheus has seen whether the exporter is up, and has evaluated the rules since so often that no alert is pending. */
export async function settled(prometheus, up) {
  const asked = Date.now() / 1000;
  // Not the history's last sample, which says 1.
  await until(
    `up to be ${up}`,
    async () => (await query(prometheus, `(up == ${up}) and (timestamp(up) > ${asked})`)).length > 0,
  );
  const seen = Date.now() / 1000;
  await until('alerts to fire', async () => {
    const {
      data: { groups },
    } = JSON.parse(await text(`${prometheus.url}/api/v1/rules`));
    const evaluated = Math.min(
      ...groups.map(({ lastEvaluation }) => new Date(lastEvaluation).getTime() / 1000),
    );
    const pending = groups.flatMap(({ rules }) => rules).some(({ state }) => state === 'pending');
    // An alert is pending for one round at least, and there are alerts on what other rules have recorded.
    return evaluated > seen + 15 && !pending;
  });
}
