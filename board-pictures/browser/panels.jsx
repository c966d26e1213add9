// One panel: Grafana's own frame around Grafana's own visualizations. Only the state timeline is ours.
import React from 'react';
import * as grafana from '@grafana/data';
import { BarGauge, BigValue, PanelChrome, PanelContextProvider, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { withDefaults } from './fields.js';
import { Timeline } from './timeline.jsx';

const empty = (frames) => frames.every(({ length }) => length === 0);

function NoData({ panel, theme }) {
  const { text, size } = { text: theme.colors.text.secondary, size: theme.typography.size.md };
  const style = {
    display: 'flex',
    height: '100%',
    alignItems: 'center',
    justifyContent: 'center',
    textAlign: 'center',
    color: text,
    fontSize: size,
  };
  return <div style={style}>{panel.fieldConfig?.defaults?.noValue ?? 'No data'}</div>;
}

/** A reduced value of each field, as stats and bar gauges show them. */
function Values({ panel, frames, width, height, theme, timeZone, children, ...more }) {
  const { options } = panel;
  const getValues = () =>
    grafana.getFieldDisplayValues({
      fieldConfig: withDefaults(panel),
      reduceOptions: options.reduceOptions,
      replaceVariables: (text) => text,
      theme,
      data: frames,
      timeZone,
      sparkline: panel.type === 'stat' && options.graphMode !== 'none',
      percentChange: options.showPercentChange,
    });
  return (
    <VizRepeater
      getValues={getValues}
      getAlignmentFactors={(values) => grafana.getDisplayValueAlignmentFactors(values)}
      source={frames}
      width={width}
      height={height}
      renderCounter={0}
      orientation={options.orientation}
      renderValue={children}
      {...more}
    />
  );
}

function Stat(props) {
  const {
    colorMode,
    graphMode,
    justifyMode,
    textMode,
    text,
    wideLayout = true,
    percentChangeColorMode,
  } = props.panel.options;
  return (
    <Values {...props} itemSpacing={3} autoGrid>
      {({ value, alignmentFactors, width, height, count }) => (
        <BigValue
          value={value.display}
          sparkline={value.sparkline}
          theme={props.theme}
          {...{
            count,
            alignmentFactors,
            width,
            height,
            colorMode,
            graphMode,
            justifyMode,
            textMode,
            text,
            wideLayout,
            percentChangeColorMode,
          }}
        />
      )}
    </Values>
  );
}

function Bars(props) {
  const { options } = props.panel;
  const manual = options.sizing === 'manual';
  const sizes = {
    minVizWidth: manual ? options.minVizWidth : 8,
    minVizHeight: manual ? options.minVizHeight : 16,
    maxVizHeight: manual ? options.maxVizHeight : 300,
  };
  const { text, displayMode, showUnfilled, namePlacement, valueMode: valueDisplayMode } = options;
  return (
    <Values {...props} itemSpacing={displayMode === 'lcd' ? 2 : 10} {...sizes}>
      {({ value, alignmentFactors, width, height, orientation }) => (
        <BarGauge
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex)}
          theme={props.theme}
          itemSpacing={10}
          isOverflow={false}
          {...{
            alignmentFactors,
            width,
            height,
            orientation,
            text,
            displayMode,
            showUnfilled,
            namePlacement,
            valueDisplayMode,
          }}
        />
      )}
    </Values>
  );
}

function Table({ panel, frames, width, height, range }) {
  const { showHeader, cellHeight, sortBy, enablePagination, frameIndex = 0, frozenColumns } = panel.options;
  const frame = frames.filter(({ fields }) => fields.length)[frameIndex];
  return (
    <TableNG
      data={frame}
      noHeader={!showHeader}
      frozenColumns={frozenColumns?.left}
      fieldConfig={panel.fieldConfig}
      timeRange={range}
      noValue={panel.fieldConfig?.defaults?.noValue}
      getActions={() => []}
      disableSanitizeHtml={false}
      structureRev={1}
      resizable
      {...{ width, height, cellHeight, sortBy, enablePagination }}
    />
  );
}

function Graph({ panel, frames, width, height, range, timeZone }) {
  const nothing = () => {};
  const context = {
    eventsScope: 'x',
    eventBus: new grafana.EventBusSrv(),
    sync: () => 0,
    onSeriesColorChange: nothing,
    onToggleSeriesVisibility: nothing,
    canAddAnnotations: () => false,
  };
  return (
    <PanelContextProvider value={context}>
      <TimeSeries
        structureRev={1}
        timeRange={range}
        legend={{ enableFacetedFilter: false, ...panel.options.legend }}
        options={panel.options}
        {...{ frames, timeZone, width, height }}
      />
    </PanelContextProvider>
  );
}

function Text({ panel, fill }) {
  return (
    <div
      className="markdown-html"
      style={{ height: '100%', overflow: 'auto' }}
      dangerouslySetInnerHTML={{ __html: grafana.renderTextPanelMarkdown(fill(panel.options.content)) }}
    />
  );
}

const KINDS = {
  stat: Stat,
  bargauge: Bars,
  table: Table,
  timeseries: Graph,
  'state-timeline': Timeline,
  text: Text,
};
export const isKnown = (kind) => kind in KINDS;
// Stats and bar gauges say themselves that there is nothing.
const NEEDS_DATA = ['table', 'timeseries', 'state-timeline'];

/** What cannot be drawn says why in its place, and to `fault`. */
class Guard extends React.Component {
  state = {};
  static getDerivedStateFromError(error) {
    return { error };
  }
  componentDidCatch(error) {
    this.props.fault(`cannot be drawn: ${error.stack}`);
  }
  render() {
    return this.state.error ? <pre>{String(this.state.error)}</pre> : this.props.children;
  }
}

/** A panel in its frame, `width` by `height` pixels. */
export function Panel({ panel, width, height, title, description, fault, ...more }) {
  const none = NEEDS_DATA.includes(panel.type) && empty(more.frames);
  const Kind = none ? NoData : KINDS[panel.type];
  const chrome = {
    title,
    width,
    height,
    padding: panel.type === 'table' ? 'none' : 'md',
    displayMode: panel.transparent ? 'transparent' : 'default',
  };
  const link = panel.links?.length ? <span>↗</span> : undefined;
  return (
    <PanelChrome
      {...chrome}
      description={description && (() => description)}
      titleItems={link}
      hoverHeader={false}
    >
      {(inner, tall) => (
        <Guard fault={fault}>{Kind && <Kind {...more} panel={panel} width={inner} height={tall} />}</Guard>
      )}
    </PanelChrome>
  );
}
