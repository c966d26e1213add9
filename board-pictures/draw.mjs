// Pictures of the boards and of the exporter's pages: scripts/board-pictures [BOARD|pages]...
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as boards from './boards.mjs';
import { launch } from './browser.mjs';
import * as pages from './pages.mjs';
import * as servers from './servers.mjs';

const ROOT = path.dirname(import.meta.dirname);
const BOARDS = path.join(ROOT, 'dashboards');
const OUT = path.join(ROOT, 'target/board-pictures');

const { EXPORTER } = process.env;
const { positionals: asked } = parseArgs({ allowPositionals: true });
const all = fs
  .readdirSync(BOARDS)
  .filter((name) => name.endsWith('.json'))
  .map((name) => path.parse(name).name);
for (const name of asked) {
  if (name !== 'pages' && !all.includes(name)) {
    console.error(
      `board-pictures: no such board: ${name}. There are ${all.join(', ')}; and "pages", the exporter's own pages`,
    );
    process.exit(2);
  }
}
const chosen = asked.length ? all.filter((name) => asked.includes(name)) : all;
const withPages = !asked.length || asked.includes('pages');

const began = Date.now();
const say = (text) =>
  console.log(`board-pictures: ${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${text}`);
let faulty = 0;
function tell(picture, faults) {
  say(`${picture}${faults.length ? ': FAULTS' : ''}`);
  faults.forEach((fault) => console.error(`    ${fault}`));
  faulty += faults.length ? 1 : 0;
}

/** A folder for pictures. Where all are taken, what an earlier run left goes; else the others stay. */
function folder(name) {
  const at = path.join(OUT, name);
  if (!asked.length) fs.rmSync(at, { recursive: true, force: true });
  fs.mkdirSync(at, { recursive: true });
  return at;
}

async function drawBoards(browser, work) {
  const exporter = await servers.demo(EXPORTER, work);
  say('writing 45 days of history');
  const prometheus = await servers.prometheus(exporter, path.join(ROOT, 'alerts'), work);
  const bundled = path.join(work, 'bundle');
  await boards.bundle(bundled);
  const site = await boards.serve(prometheus.url, { bundled, boards: BOARDS });
  await servers.settled(prometheus, 1);
  const choices = await boards.choices(prometheus);
  for (const state of ['healthy', 'dead']) {
    if (state === 'dead') {
      await exporter.stop();
      await servers.settled(prometheus, 0);
    }
    const at = folder(state);
    for (const name of chosen) {
      const report = await boards.draw(browser, site, path.join(BOARDS, `${name}.json`), choices, at);
      tell(`${state} ${name}`, report.faults);
      fs.writeFileSync(path.join(at, `${name}-links.txt`), report.links.join('\n'));
    }
  }
  await prometheus.stop();
  site.stop();
}

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'board-pictures-'));
process.on('exit', () => fs.rmSync(work, { recursive: true, force: true }));
const browser = await launch();
if (chosen.length) await drawBoards(browser, work);
if (withPages) await pages.draw(browser, EXPORTER, folder('pages'), work, tell);
await browser.close();
say(
  faulty
    ? `failed: ${faulty} with faults; they stand above`
    : `all is well; the pictures are in ${path.relative(process.cwd(), OUT)}`,
);
process.exit(faulty ? 1 : 0);
