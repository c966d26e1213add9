// The browser that takes the pictures.
import { chromium } from 'playwright-core';

// Nothing that asks the network, and the same pixels on every machine.
const FLAGS = [
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--force-device-scale-factor=1',
];

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });

/** A page of that width; `faults` gets what its scripts and requests have to complain of. */
export async function open(browser, width, options, faults) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, ...options });
  page.on('pageerror', (error) => faults.push(error.stack));
  page.on('requestfailed', (request) => faults.push(`no answer from ${request.url()}`));
  // A browser asks for an icon by itself.
  page.on('response', (response) => {
    if (response.status() >= 400 && !response.url().endsWith('/favicon.ico'))
      faults.push(`${response.status()} from ${response.url()}`);
  });
  return page;
}
