// Writes the README's pictures, smaller, into docs/pictures: node board-pictures/for-readme.mjs, after all were drawn.
import fs from 'node:fs';
import path from 'node:path';
import { launch } from './browser.mjs';

const ROOT = path.dirname(import.meta.dirname);
const PICTURES = ['nectar-overview', 'nectar-worklist'];
const WIDTH = 1100;
const QUALITY = 55;

const browser = await launch();
for (const name of PICTURES) {
  const drawn = fs.readFileSync(path.join(ROOT, 'target/board-pictures/healthy', `${name}-light-1366.png`));
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 900 } });
  await page.setContent(
    `<body style="margin:0"><img style="display:block;width:100%" src="data:image/png;base64,${drawn.toString('base64')}">`,
  );
  const { height } = await page.locator('img').boundingBox();
  const clip = { x: 0, y: 0, width: WIDTH, height, scale: 1 };
  const devtools = await page.context().newCDPSession(page);
  const options = { format: 'webp', quality: QUALITY, captureBeyondViewport: true, clip };
  const { data } = await devtools.send('Page.captureScreenshot', options);
  fs.writeFileSync(path.join(ROOT, 'docs/pictures', `${name}.webp`), Buffer.from(data, 'base64'));
}
await browser.close();
