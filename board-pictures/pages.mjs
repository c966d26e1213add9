// Takes pictures of the exporter's own pages in a browser, in the states they can be in, and checks them with axe.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { open } from './browser.mjs';
import { answers, start, text, until } from './servers.mjs';

const AXE = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const KEY = 'simulated';
const PAGES = { landing: '/', worklist: '/worklist' };
const SCHEMES = ['light', 'dark'];
const WIDTHS = [1280, 390];
// Pictures of a long list end here, in pixels. It is checked to its end.
const HIGHEST = 2500;

/** What the pages are shown in: arguments of the simulated Nectar and of the exporter, and what to do after the first poll. */
const STATES = {
  healthy: {},
  failing: { exporter: ['--nectar.poll-interval=1s'], then: refuse },
  withdrawn: {
    exporter: ['--nectar.poll-interval=1s', '--nectar.max-data-age=3s'],
    then: (world) => refuse(world).then(() => withdrawn(world)),
  },
  empty: { nectar: ['--sim.companies=0'] },
};

/** Nectar takes the key no longer: it is another one. */
async function refuse({ exporter, key }) {
  fs.writeFileSync(key, 'another key');
  await until('the key to be refused', async () => /^nectar_up 0$/m.test(await metrics(exporter)));
}

const withdrawn = ({ exporter }) =>
  until('the data to be withdrawn', async () => !/^nectar_connections\{/m.test(await metrics(exporter)));
const metrics = (exporter) => text(`${exporter.url}/metrics`);

/** Starts a Nectar and an exporter, and brings them into the state. */
async function bring(name, program, folder) {
  const { nectar: more = [], exporter: flags = [], then = async () => {} } = STATES[name];
  const log = (what) => path.join(folder, `${name}-${what}.log`);
  const nectar = await start(
    program,
    ['simulate', '--sim.listen-address=127.0.0.1:0', `--sim.api-key=${KEY}`, ...more],
    log('nectar'),
  );
  const key = path.join(folder, `${name}-key`);
  fs.writeFileSync(key, KEY, { mode: 0o600 });
  const args = [
    `--nectar.base-url=${nectar.url}/v2.2`,
    `--nectar.api-key-file=${key}`,
    '--web.listen-address=127.0.0.1:0',
    ...flags,
  ];
  const exporter = await start(program, args, log('exporter'));
  await until(
    'the first poll',
    async () => !/^nectar_exporter_polls_total 0$/m.test(await metrics(exporter)),
  );
  await then({ exporter, key });
  const stop = async () => {
    await exporter.stop();
    await nectar.stop();
  };
  return { url: exporter.url, stop };
}

/** What axe finds, a line each; with all details open, for it does not look at what is not shown. */
async function violations(page) {
  await page.evaluate(() =>
    document.querySelectorAll('details').forEach((details) => {
      details.open = true;
    }),
  );
  await page.evaluate(AXE);
  const found = await page.evaluate(() => window.axe.run());
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, any, all, none }) => {
      const why = [...any, ...all, ...none].map(({ message }) => message).join('; ');
      return `${id}: ${help}: ${target.join(' ')}${why && ` (${why})`}`;
    }),
  );
}

async function look(browser, url, width, colorScheme, picture) {
  const faults = [];
  const page = await open(browser, width, { colorScheme }, faults);
  await page.goto(url);
  const height = Math.min(HIGHEST, await page.evaluate('document.documentElement.scrollHeight'));
  await page.screenshot({ path: picture, fullPage: true, clip: { x: 0, y: 0, width, height } });
  const across = await page.evaluate('document.documentElement.scrollWidth');
  if (across > width) faults.push(`is ${across} pixels wide, and must be scrolled sideways`);
  faults.push(...(await violations(page)));
  await page.close();
  return faults;
}

/** Takes the pictures of all pages in all states into `folder`. `tell` gets the name of each, and its faults. */
export async function draw(browser, program, folder, work, tell) {
  for (const state of Object.keys(STATES)) {
    const exporter = await bring(state, program, work);
    for (const [name, at] of Object.entries(PAGES)) {
      const url = exporter.url + at;
      // An exporter without single logins has no list of them.
      if (!(await answers(url))) continue;
      for (const scheme of SCHEMES) {
        for (const width of WIDTHS) {
          const picture = `${name}-${state}-${scheme}-${width}`;
          tell(picture, await look(browser, url, width, scheme, path.join(folder, `${picture}.png`)));
        }
      }
    }
    await exporter.stop();
  }
}
