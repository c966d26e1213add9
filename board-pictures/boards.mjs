// Draws the boards of a folder, as they look over a Prometheus, and takes their pictures.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { build } from 'esbuild';
import { open } from './browser.mjs';
import { query } from './servers.mjs';

const HERE = import.meta.dirname;
const MODULES = path.join(HERE, 'node_modules');
const THEMES = ['dark', 'light'];
const WIDTHS = [1600, 1366];
const TYPES = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const FONTS = [
  ['Inter', 'inter', 400],
  ['Inter', 'inter', 500],
  ['Inter', 'inter', 600],
  ['Roboto Mono', 'roboto-mono', 400],
];
// Grafana's components ask for these by their names in Grafana.
const WEIGHTS = { 'Inter-Regular': 400, 'Inter-Medium': 500, 'Inter-SemiBold': 600 };

const PAGE = `<!doctype html><html lang=en><meta charset=utf-8><title>Board</title><style>${FONTS.map(
  ([family, folder, weight]) =>
    `@font-face{font-family:'${family}';font-weight:${weight};src:url(/fonts/${folder}-latin-${weight}-normal.woff2)}`,
).join('')}</style>
<link rel=stylesheet href=/bundle/board.css><div id=root></div>
<script>window.grafanaBootData={settings:{appSubUrl:''},user:{}};window.__grafana_public_path__='/public/'</script><script src=/bundle/board.js></script>`;

/** Puts the page of a board into `folder`: our code with Grafana's libraries. */
export function bundle(folder) {
  return build({
    entryPoints: [path.join(HERE, 'browser/board.jsx')],
    outdir: folder,
    bundle: true,
    format: 'iife',
    target: 'es2022',
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}', global: 'globalThis' },
    loader: { '.svg': 'dataurl', '.png': 'dataurl', '.ttf': 'file', '.woff': 'file', '.woff2': 'file' },
    mainFields: ['module', 'browser', 'main'],
  });
}

function fileOf(pathname, { bundled, boards }) {
  const name = path.basename(pathname);
  const font = (file) => path.join(MODULES, '@fontsource', /^(.*)-latin/.exec(file)[1], 'files', file);
  if (pathname.startsWith('/bundle/')) return path.join(bundled, name);
  if (pathname.startsWith('/boards/')) return path.join(boards, name);
  if (pathname.startsWith('/fonts/')) return font(name);
  if (pathname.startsWith('/public/fonts/'))
    return font(`inter-latin-${WEIGHTS[name.split('.')[0]] ?? 400}-normal.woff2`);
  // What stands before it differs between components.
  return path.join(MODULES, '@grafana/ui/dist/public', pathname.slice(pathname.indexOf('/img/')));
}

/** Serves the page, boards and Grafana's icons, and passes on to Prometheus what is below /prometheus, so that all is of one origin. */
export function serve(prometheus, places) {
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (pathname === '/') {
      response.setHeader('content-type', 'text/html');
      response.end(PAGE);
    } else if (pathname.startsWith('/prometheus/')) {
      const { method, headers } = request;
      const forward = http.request(
        prometheus + request.url.slice('/prometheus'.length),
        { method, headers },
        (answer) => {
          response.writeHead(answer.statusCode, answer.headers);
          answer.pipe(response);
        },
      );
      forward.on('error', () => response.writeHead(502).end());
      request.pipe(forward);
    } else {
      response.setHeader('content-type', TYPES[path.extname(pathname)] ?? 'application/octet-stream');
      fs.createReadStream(fileOf(pathname, places))
        .on('error', () => response.writeHead(404).end())
        .pipe(response);
    }
  });
  return new Promise((done) =>
    server.listen(0, '127.0.0.1', () =>
      done({ url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() }),
    ),
  );
}

/** Values for variables that cannot show all: the company with most to do, and one of its logins. */
export async function choices(prometheus) {
  const one = async (expression, label) =>
    (await query(prometheus, `topk(1, ${expression})`))[0]?.metric[label] ?? '';
  const company = await one(
    'sum by (company_id) (nectar_connections{category="intervention_needed"})',
    'company_id',
  );
  const connection = await one(
    `nectar_connection_status{category="intervention_needed", company_id="${company}"}`,
    'connection_id',
  );
  return { company, connection };
}

function address(name, board, theme, chosen) {
  const parameters = new URLSearchParams({ board: name, theme });
  for (const { name: variable, includeAll } of board.templating.list)
    if (variable in chosen && !includeAll) parameters.set(`var-${variable}`, chosen[variable]);
  return `/?${parameters}`;
}

/** Takes the pictures of one board into `folder`, in all themes and widths. Gives its faults, and where its links lead. */
export async function draw(browser, site, file, chosen, folder) {
  const { name } = path.parse(file);
  const board = JSON.parse(fs.readFileSync(file, 'utf8'));
  const faults = [];
  const links = new Set();
  for (const theme of THEMES) {
    for (const width of WIDTHS) {
      const page = await open(browser, width, {}, faults);
      await page.goto(site.url + address(name, board, theme, chosen));
      await page.waitForFunction('window.report?.done', null, { timeout: 120_000 });
      // Tables below the window's end are not drawn: it gets as high as the board.
      await page.setViewportSize({
        width,
        height: await page.evaluate('document.documentElement.scrollHeight'),
      });
      await page.evaluate('window.quiet()');
      await page.screenshot({ path: path.join(folder, `${name}-${theme}-${width}.png`) });
      const report = await page.evaluate('window.report');
      faults.push(...report.faults);
      report.links.forEach((link) => links.add(link));
      await page.close();
    }
  }
  return { faults: [...new Set(faults)], links: [...links] };
}
