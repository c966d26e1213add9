// Checks that names in the boards' links arrive: node board-pictures/check-links.mjs BOARD.json...
//
// Grafana escapes a name, writes it into the link, and passes the link through @braintree/sanitize-url, of which it accepts several
// versions. What the later one breaks is in dashboards/README.md.
import fs from 'node:fs';
import path from 'node:path';
import { sanitizeUrl } from '@braintree/sanitize-url';
import { sanitizeUrl as sanitizeUrlLater } from 'sanitize-url-7.1';

const NAMES = [
  'Northgate Power & Light',
  'No. #1 Gas',
  'Sun+Wind',
  "O'Rourke's Grid",
  'The "Blue Flame" Gas Company',
  'Énergie du Vallon',
  'みなと台電力',
  'Gas (North) = heat?',
];
const LATER_BREAKS = /[&#+]/;
const VALUE = /var-(\w+)=\$\{__data\.fields\.\w+:percentencode\}/g;

// As Grafana's format option percentencode does it.
const escaped = (name) =>
  encodeURIComponent(name).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

function urls(value) {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inside]) =>
    key === 'url' && typeof inside === 'string' ? [inside] : urls(inside),
  );
}

let faults = 0;
let checked = 0;
for (const file of process.argv.slice(2)) {
  for (const url of new Set(urls(JSON.parse(fs.readFileSync(file, 'utf8'))))) {
    const variables = [...url.matchAll(VALUE)].map(([, variable]) => variable);
    for (const name of variables.length ? NAMES : []) {
      const link = url.replace(VALUE, (_, variable) => `var-${variable}=${escaped(name)}`).replace(/\$\{[^}]*\}/g, 'x');
      const arrives = (sanitize) => {
        const at = new URL(sanitize(link), 'http://grafana.test');
        return variables.every((variable) => at.searchParams.get(`var-${variable}`) === name);
      };
      checked += 1;
      if (arrives(sanitizeUrl) && arrives(sanitizeUrlLater) === !LATER_BREAKS.test(name)) continue;
      console.error(`${path.basename(file)}: ${name} does not arrive as dashboards/README.md says: ${url}`);
      faults += 1;
    }
  }
}
if (!checked) console.error('no link carries a name');
process.exit(faults || !checked ? 1 : 0);
