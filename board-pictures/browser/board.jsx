// The page that shows one board: ?board=NAME&theme=dark&var-company=ID. Says in window.report what it found, and when it is done.
import React from 'react';
import { createRoot } from 'react-dom/client';
import { css, Global } from '@emotion/react';
import { lastValueFrom } from 'rxjs';
import {
  cacheFieldDisplayNames,
  createTheme,
  getFieldDisplayName,
  rangeUtil,
  transformDataFrame,
} from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { GlobalStyles, ThemeContext } from '@grafana/ui';
import { configured } from './fields.js';
import { isKnown, Panel } from './panels.jsx';
import { frames as framesOf } from './prometheus.js';
import { Variables } from './variables.js';

const timeZone = 'utc';
const asked = new URLSearchParams(location.search);
const theme = createTheme({ colors: { mode: asked.get('theme') } });
const report = { faults: [], links: [], done: false };
window.report = report;
const faultOf = (panel) => (text) => report.faults.push(`panel ${panel.id}, ${panel.title}: ${text}`);

// Grafana's grid has 24 columns; a row is 30 pixels high.
const [COLUMNS, ROW, GAP, MARGIN] = [24, 30, 8, 16];
const WIDTH = window.innerWidth - 2 * MARGIN;

function place({ x, y, w, h }) {
  const column = (WIDTH - (COLUMNS - 1) * GAP) / COLUMNS;
  return {
    left: x * (column + GAP),
    top: y * (ROW + GAP),
    width: w * column + (w - 1) * GAP,
    height: h * ROW + (h - 1) * GAP,
  };
}

function rangeOf({ from, to }) {
  const range = rangeUtil.convertRawToRange({ from, to }, timeZone);
  // Both ends are read from the clock: a millisecond more than a day, and axes would show dates.
  range.from.startOf('second');
  range.to.startOf('second');
  return { from: range.from.valueOf(), to: range.to.valueOf(), raw: { from, to }, whole: range };
}

/** A panel's data: asked, transformed, and with its configuration in the fields. */
async function load(panel, range, variables) {
  const fault = faultOf(panel);
  const fill = (text, more) => variables.fill(text, more);
  if (panel.type === 'row' || !panel.targets?.length) return [];
  if (!isKnown(panel.type)) fault(`kind ${panel.type} is not known`);
  const raw = await framesOf(panel, range, Math.floor(place(panel.gridPos).width), variables, fault);
  const steps = (panel.transformations ?? []).filter(({ disabled }) => !disabled);
  const shaped = steps.length
    ? await lastValueFrom(transformDataFrame(steps, raw, { interpolate: fill }))
    : raw;
  const frames = configured(panel, shaped, { theme, timeZone, fill, fault });
  cacheFieldDisplayNames(frames);
  for (const frame of frames) {
    for (const field of frame.fields) {
      for (let row = 0; row < frame.length; row += 1) {
        const found = field.getLinks?.({ valueRowIndex: row }) ?? [];
        const place = [panel.title, getFieldDisplayName(field, frame)];
        report.links.push(...found.map(({ title, href }) => [...place, title, href].join(' | ')));
      }
    }
  }
  return frames;
}

function Chip({ label, children }) {
  const { border, background } = theme.colors;
  const frame = {
    border: `1px solid ${border.medium}`,
    borderRadius: 4,
    fontSize: 12,
    lineHeight: '30px',
    display: 'flex',
  };
  return (
    <span style={frame}>
      {label && <span style={{ background: background.secondary, padding: '0 8px' }}>{label}</span>}
      <span style={{ padding: '0 8px' }}>{children}</span>
    </span>
  );
}

function Board({ board, panels, variables, range }) {
  const fill = (text) => variables.fill(text);
  const height = Math.max(...board.panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * (ROW + GAP);
  const text = { color: theme.colors.text.primary, fontFamily: theme.typography.fontFamily };
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles isExtensionSidebarOpen={false} />
      <Global
        styles={css`
          body {
            margin: 0;
            background: ${theme.colors.background.canvas};
          }
        `}
      />
      <div style={{ padding: MARGIN, ...text }}>
        <div style={{ display: 'flex', flexWrap: 'wrap', gap: GAP, alignItems: 'center', marginBottom: GAP }}>
          <b style={{ marginRight: GAP }}>{board.title}</b>
          {board.templating.list
            .filter(({ hide }) => hide !== 2)
            .map(({ name, label }) => (
              <Chip key={name} label={label ?? name}>
                {variables.chosen[name]?.text}
              </Chip>
            ))}
          <span style={{ flex: 1 }} />
          {(board.links ?? []).map(({ title }) => (
            <Chip key={title}>{title}</Chip>
          ))}
          <Chip>
            {range.raw.from} to {range.raw.to}
          </Chip>
        </div>
        <div style={{ position: 'relative', height, width: WIDTH }}>
          {panels.map(({ panel, frames, range: own }) => {
            const at = place(panel.gridPos);
            return (
              <div key={panel.id} style={{ position: 'absolute', ...at }}>
                {panel.type === 'row' ? (
                  <div style={{ fontSize: 18, lineHeight: `${ROW}px` }}>⌄ {fill(panel.title)}</div>
                ) : (
                  <Panel
                    title={fill(panel.title)}
                    description={fill(panel.description)}
                    fault={faultOf(panel)}
                    range={own.whole}
                    width={at.width}
                    height={at.height}
                    {...{ panel, frames, fill, theme, timeZone }}
                  />
                )}
              </div>
            );
          })}
        </div>
      </div>
    </ThemeContext.Provider>
  );
}

/** Resolves when nothing on the page has changed for half a second: panels measure themselves, and draw again. */
window.quiet = () =>
  new Promise((done) => {
    let timer = setTimeout(done, 500);
    const again = () => {
      clearTimeout(timer);
      timer = setTimeout(done, 500);
    };
    new MutationObserver(again).observe(document.body, { subtree: true, childList: true, attributes: true });
  });

async function show() {
  await initPluginTranslations('grafana', []);
  await Promise.all(
    ['400 14px Inter', '500 14px Inter', '600 14px Inter', '400 14px "Roboto Mono"'].map((font) =>
      document.fonts.load(font),
    ),
  );
  const board = await (await fetch(`/boards/${asked.get('board')}.json`)).json();
  const range = rangeOf(board.time);
  const variables = new Variables(range, (text) => report.faults.push(text));
  await variables.choose(board.templating.list, (name) => asked.get(`var-${name}`) ?? undefined);
  const panels = await Promise.all(
    board.panels.map(async (panel) => {
      const own = panel.timeFrom ? rangeOf({ from: `now-${panel.timeFrom}`, to: 'now' }) : range;
      return { panel, range: own, frames: await load(panel, own, variables) };
    }),
  );
  createRoot(document.getElementById('root')).render(<Board {...{ board, panels, variables, range }} />);
  await window.quiet();
}

show()
  .catch((error) => report.faults.push(error.stack))
  .finally(() => {
    report.done = true;
  });
