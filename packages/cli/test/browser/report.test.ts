/** The page of the committed records, opened from disk in Chromium. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { psoft } from '../psoft.ts';
import { contrastProblems, paintedOf, structureProblems } from './checks.ts';
import { CHROMIUM, HOW_TO_GET_ONE, launch, type Opened, open } from './chromium.ts';

const isSkipped = CHROMIUM === undefined;
if (isSkipped) process.stderr.write(`The tests of the page in a browser are skipped: ${HOW_TO_GET_ONE}\n`);

describe.skipIf(isSkipped)(`the page in Chromium${isSkipped ? `, skipped: ${HOW_TO_GET_ONE}` : ''}`, () => {
  let folder: string;
  let address: string;
  let browser: Browser;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'psoft-report-'));
    const file = path.join(folder, 'index.html');
    const { code, stderr } = await psoft('results', 'report', '--out', file);
    expect([code, stderr]).toEqual([0, '']);
    address = pathToFileURL(file).href;
    browser = await launch();
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Closes what was opened, and holds it to silence. */
  async function withPage(
    act: (page: Page, opened: Opened) => Promise<void>,
    options: Parameters<typeof open>[2] = {},
    below = '',
  ): Promise<void> {
    const opened = await open(browser, `${address}${below}`, options);
    try {
      await act(opened.page, opened);
      expect(opened.errors).toEqual([]);
      expect(opened.requests).toEqual([]);
    } finally {
      await opened.close();
    }
  }

  const chooseProfile = (page: Page, name: string) => page.locator(`label[for="profile-${name}"]`).click();
  const table2 = (page: Page) => page.locator('[data-table="tiny-table2"]');
  const rowNames = (page: Page) =>
    table2(page)
      .locator('tbody tr:visible')
      .evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset.row));
  const values = (page: Page, column: number) =>
    table2(page)
      .locator(`tbody tr td:nth-child(${column})`)
      .evaluateAll((cells) => cells.map((cell) => Number((cell as HTMLElement).dataset.value)));
  const seen = async (place: Locator) => {
    await place.scrollIntoViewIfNeeded();
    await place.locator('.vega svg').waitFor();
  };

  test('opens in silence, and charts are drawn', async () => {
    await withPage(async (page) => {
      expect(await page.title()).toContain('PSOFT');
      const blank = await browser.newPage();
      const charts = await page.locator('#frontiers .chart:visible .drawing').all();
      expect(charts.length).toBeGreaterThanOrEqual(9);
      for (const chart of charts.slice(0, 4)) {
        await seen(chart);
        const picture = `data:image/png;base64,${(await chart.screenshot()).toString('base64')}`;
        const { share, colours } = await blank.evaluate(paintedOf, picture);
        // Marks, names and axes of thirteen methods, with their edges.
        expect(share).toBeGreaterThan(0.02);
        expect(colours).toBeGreaterThan(20);
      }
      const tile = page.locator('#curves svg.tile:visible').first();
      await tile.scrollIntoViewIfNeeded();
      const picture = `data:image/png;base64,${(await tile.screenshot()).toString('base64')}`;
      expect((await blank.evaluate(paintedOf, picture)).share).toBeGreaterThan(0.02);
      await blank.close();
    });
  });

  test('sorts by click and by keyboard, and filters', async () => {
    await withPage(async (page) => {
      const own = await rowNames(page);
      const average = table2(page).locator('thead th').last();
      await average.locator('button').click();
      expect(await average.getAttribute('aria-sort')).toBe('descending');
      const sorted = await values(page, 10);
      expect(sorted).toEqual([...sorted].sort((a, b) => b - a));
      expect(await rowNames(page)).not.toEqual(own);
      await average.locator('button').press('Enter');
      expect(await average.getAttribute('aria-sort')).toBe('ascending');
      expect(await values(page, 10)).toEqual([...sorted].reverse());
      await page.keyboard.press('Space');
      expect(await average.getAttribute('aria-sort')).toBeNull();
      expect(await rowNames(page)).toEqual(own);
      const filter = page.getByLabel('Filter methods of Table 2').first();
      await filter.fill('lora');
      expect(await rowNames(page)).toEqual(['lora', 'lora-xs']);
      await filter.fill('');
      expect(await rowNames(page)).toEqual(own);
    });
  });

  test('a table has one stop of Tab; arrows walk its cells, Enter opens one, Escape leads back', async () => {
    await withPage(async (page) => {
      const stops = await table2(page).locator('button.cell[tabindex="0"]').count();
      expect(stops).toBe(1);
      await table2(page).locator('button.cell').first().focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowRight');
      const focused = () =>
        page.evaluate(() => {
          const cell = document.activeElement?.closest('td');
          return [cell?.parentElement?.dataset.row, cell?.cellIndex];
        });
      expect(await focused()).toEqual(['goft', 2]);
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle);
      expect(outline).toBe('solid');
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog');
      expect(await dialog.getByRole('heading', { level: 2 }).textContent()).toContain('Table 2: GOFTv2');
      for (let press = 0; press < 40; press++) {
        await page.keyboard.press('Tab');
        const place = await page.evaluate(() => {
          const at = document.activeElement;
          // The browser's own controls are between the last and the first.
          return at === document.body || at?.closest('dialog') !== null;
        });
        expect(place).toBe(true);
      }
      await page.keyboard.press('Escape');
      expect(await dialog.count()).toBe(0);
      expect(await focused()).toEqual(['goft', 2]);
    });
  });

  test('the first stop of Tab skips to the results', async () => {
    await withPage(async (page) => {
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the results');
      await page.keyboard.press('Enter');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    });
  });

  test('profiles are never shown together, and a link into the other one leads there', async () => {
    await withPage(async (page) => {
      const shown = () =>
        page
          .locator('[data-profile]')
          .evaluateAll((all) => [
            ...new Set(
              all
                .filter((one) => one.getClientRects().length > 0)
                .map((one) => (one as HTMLElement).dataset.profile),
            ),
          ]);
      expect(await shown()).toEqual(['tiny']);
      await expect(page.getByText('it says nothing about the paper’s numbers').isVisible()).resolves.toBe(
        true,
      );
      await page.locator('#profile-tiny').focus();
      await page.keyboard.press('ArrowRight');
      expect(await shown()).toEqual(['paper']);
      expect(await page.locator('i.paper:visible').first().textContent()).not.toBe('');
    });
    await withPage(
      async (page) => {
        expect(await page.locator('#profile-paper').isChecked()).toBe(true);
        expect(await page.locator('#paper-table4').isVisible()).toBe(true);
      },
      {},
      '#paper-table4',
    );
  });

  test('a missing cell gives its command, which is copied', async () => {
    await withPage(
      async (page) => {
        await chooseProfile(page, 'paper');
        await page
          .locator('[data-table="paper-table2"] tr[data-row="lora"] td')
          .nth(2)
          .locator('button')
          .click();
        const command = page.getByRole('dialog').locator('.command').first();
        const text = await command.locator('code').textContent();
        expect(text).toBe('npx nx run nlu:table2 -c paper --methods=lora --tasks=cola');
        await command.getByRole('button', { name: /^Copy/ }).click();
        await expect.poll(() => page.locator('#status').textContent()).toBe('Copied');
        expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(text);
      },
      { permissions: ['clipboard-read', 'clipboard-write'] },
    );
  });

  test('runs are found, opened, and have an address', async () => {
    await withPage(async (page) => {
      const list = page.locator('#run-list');
      await list.getByLabel('Search runs by name or hash').fill('nlu/cola psoft-s1');
      await list.getByLabel('Only this method').selectOption('psoft');
      const row = list.locator('tbody tr');
      expect(await row.count()).toBe(1);
      await row.getByRole('button').click();
      const dialog = page.getByRole('dialog');
      const text = await dialog.textContent();
      for (const part of [
        'npx nx run nlu:cola --method=psoft --seed=1',
        'psoft alpha',
        'deberta-tiny',
        'generated cola',
        'commit',
        'cpu model',
        'onnxruntime-node',
      ])
        expect(text).toContain(part);
      expect(await dialog.getByRole('link', { name: /record/ }).getAttribute('href')).toMatch(
        /\/tiny\/nlu\/cola\/psoft-s1-[0-9a-f]{8}\.json$/,
      );
      await dialog.locator('.vega svg').first().waitFor();
      expect(await page.evaluate(structureProblems)).toEqual([]);
      const hash = await page.evaluate(() => location.hash);
      expect(hash).toMatch(/^#run=[0-9a-f]{8}$/);
      await page.reload();
      await expect.poll(() => dialog.textContent()).toContain('psoft alpha');
    });
  });

  test('a learning curve opens large, and a name brings its lines to the front', async () => {
    await withPage(async (page) => {
      const block = page.locator('[data-curves="tiny nlu"]');
      await block.getByRole('button', { name: /^cola/ }).press('Enter');
      await block.locator('.large .vega svg').waitFor();
      await block.getByRole('button', { name: 'training loss' }).click();
      expect(await block.locator('.large h4').textContent()).toBe('cola: training loss');
      await block.getByRole('button', { name: 'DoRA', exact: true }).press('Enter');
      expect(
        await block
          .locator('.tile path.line:not(.away)')
          .evaluateAll((all) => [...new Set(all.map((one) => (one as SVGElement).dataset.method))]),
      ).toEqual(['dora']);
      await block.getByRole('button', { name: 'Close cola' }).click();
      expect(await block.locator('.large').isVisible()).toBe(false);
    });
  });

  test.each(['light', 'dark'] as const)(
    'texts can be read and parts have names, %s',
    async (theme) => {
      await withPage(
        async (page) => {
          await page.locator(`label[for="theme-${theme}"]`).click();
          const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
          expect(background).toBe(theme === 'dark' ? 'rgb(15, 19, 24)' : 'rgb(246, 247, 249)');
          for (const profile of ['tiny', 'paper']) {
            await chooseProfile(page, profile);
            for (const details of await page.locator('details').all())
              await details.evaluate((one) => one.setAttribute('open', ''));
            for (const chart of await page.locator('.chart:visible .drawing').all()) await seen(chart);
            expect(await page.evaluate(contrastProblems)).toEqual([]);
            expect(await page.evaluate(structureProblems)).toEqual([]);
          }
          await page.reload();
          expect(await page.locator(`#theme-${theme}`).isChecked()).toBe(true);
          // The other way round than the system asks for.
        },
        { colorScheme: theme === 'dark' ? 'light' : 'dark' },
      );
    },
    120_000,
  );

  test('the theme follows the system unless chosen', async () => {
    await withPage(
      async (page) => {
        expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
          'rgb(15, 19, 24)',
        );
        // Paper is white whatever the screen is.
        await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
        expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
          'rgb(255, 255, 255)',
        );
        expect(await page.locator('.bar').isVisible()).toBe(false);
        expect(await page.evaluate(contrastProblems)).toEqual([]);
      },
      { colorScheme: 'dark' },
    );
  });

  test('nothing but tables scrolls sideways on a phone', async () => {
    const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
    await withPage(async (page) => {
      const width = () => page.evaluate(() => document.documentElement.scrollWidth);
      for (const profile of ['tiny', 'paper']) {
        await page.locator(`label[for="profile-${profile}"]`).tap();
        for (const details of await page.locator('details').all())
          await details.evaluate((one) => one.setAttribute('open', ''));
        expect(await width()).toBe(360);
      }
      await page.locator('label[for="profile-tiny"]').tap();
      for (const chart of await page.locator('.chart:visible .drawing').all()) await seen(chart);
      expect(await width()).toBe(360);
      const inner = await table2(page).evaluate((table) => {
        const scroller = table.closest('.scroller')!;
        return scroller.scrollWidth > scroller.clientWidth;
      });
      expect(inner).toBe(true);
      await page.locator('#run-list button.link').first().tap();
      const body = page.locator('dialog .body');
      expect(await body.evaluate((one) => one.scrollWidth <= one.clientWidth)).toBe(true);
      expect(await width()).toBe(360);
    }, phone);
  });

  test('without a script tables, drawings and the choice of the profile are there', async () => {
    await withPage(
      async (page) => {
        expect(await table2(page).locator('tbody tr').count()).toBe(13);
        expect(await page.locator('#frontiers svg:visible').count()).toBeGreaterThanOrEqual(9);
        expect(await page.locator('.needs-script:visible').count()).toBe(0);
        expect(await page.locator('button:visible').count()).toBe(0);
        await chooseProfile(page, 'paper');
        expect(await table2(page).isVisible()).toBe(false);
        expect(await page.locator('#paper-table2').isVisible()).toBe(true);
        expect(await page.locator('noscript').first().textContent()).toContain('results:runs list');
      },
      { javaScriptEnabled: false },
    );
  });
});
