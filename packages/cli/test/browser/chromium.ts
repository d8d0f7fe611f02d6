/** The Chromium that a machine has, and the page in it. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const PLACES = [
  process.env.CHROME_PATH,
  process.env.PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Undefined where there is none. */
export const CHROMIUM = [...PLACES, playwrightsOwn()].find(
  (place): place is string => place !== undefined && place !== '' && existsSync(place),
);

export const HOW_TO_GET_ONE =
  'no Chromium found: install one (apt-get install chromium) or name it in CHROME_PATH';

function playwrightsOwn(): string | undefined {
  try {
    return chromium.executablePath();
  } catch {
    return undefined;
  }
}

/** With a profile folder of its own, which playwright makes and removes. */
export function launch(): Promise<Browser> {
  const flags = ['disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking'];
  return chromium.launch({
    executablePath: CHROMIUM!,
    args: [...flags, 'no-sandbox', 'disable-component-update', 'disable-sync'].map((flag) => `--${flag}`),
  });
}

export interface Opened {
  readonly page: Page;
  /** Errors of the console and of scripts. */
  readonly errors: readonly string[];
  /** Addresses that were asked for, but for the page itself. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export async function open(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== address.split('#')[0]) requests.push(request.url());
  });
  await page.goto(address);
  return { page, errors, requests, close: () => context.close() };
}
