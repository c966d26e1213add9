// A state timeline as plain SVG: Grafana publishes none. Names, values and colours are those of the real fields.
import React from 'react';
import { dateTimeFormat, FieldType, getFieldDisplayName } from '@grafana/data';

const AXIS = 22;
// Wide enough for a date and a time.
const TICK = 110;
const DAY = 86_400_000;

export function Timeline({ panel, frames, width, height, theme, range, timeZone }) {
  const rows = frames.flatMap((frame) =>
    frame.fields
      .filter(({ type }) => type === FieldType.number)
      .map((field) => ({
        name: getFieldDisplayName(field, frame, frames),
        field,
        times: frame.fields[0].values,
        step: frame.fields[0].config.interval,
      })),
  );
  const grey = theme.colors.text.secondary;
  const [from, to] = [range.from.valueOf(), range.to.valueOf()];
  const left = Math.min(width * 0.4, Math.max(...rows.map(({ name }) => name.length)) * 6.5 + 12);
  const tall = (height - AXIS) / rows.length;
  const bar = tall * (panel.options.rowHeight ?? 0.9);
  const opacity = (panel.fieldConfig.defaults.custom?.fillOpacity ?? 70) / 100;
  const ticks = Math.max(1, Math.floor((width - left) / TICK));
  const across = (time) => left + ((Math.min(time, to) - from) / (to - from)) * (width - left);
  const format = to - from > 2 * DAY ? 'MM/DD HH:mm' : 'HH:mm';
  return (
    <svg width={width} height={height} style={{ fontSize: 12, fontFamily: theme.typography.fontFamily }}>
      {rows.map(({ name, field, times, step }, index) => (
        <g key={name}>
          <text x={left - 6} y={tall * (index + 0.5) + 4} textAnchor="end" fill={theme.colors.text.primary}>
            {name}
          </text>
          {stretches(times, field.values, step).map(([begin, end]) => (
            <rect
              key={begin}
              x={across(begin)}
              y={tall * index + (tall - bar) / 2}
              width={Math.max(1, across(end + step) - across(begin))}
              height={bar}
              fill={field.display(field.values[0]).color}
              fillOpacity={opacity}
            />
          ))}
        </g>
      ))}
      {Array.from({ length: ticks }, (_, index) => from + ((to - from) * index) / ticks).map((time) => (
        <text key={time} x={across(time)} y={height - 6} fill={grey}>
          {dateTimeFormat(time, { format, timeZone })}
        </text>
      ))}
    </svg>
  );
}

/** First and last times of what has values at every step. */
function stretches(times, values, step) {
  const found = [];
  times.forEach((time, index) => {
    const last = found.at(-1);
    if (values[index] === null) return;
    if (last && time - last[1] <= step * 1.01) last[1] = time;
    else found.push([time, time]);
  });
  return found;
}
