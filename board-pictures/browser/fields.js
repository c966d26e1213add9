// The options of fields: the standard ones, and those of the kinds of panels that the boards use, with their defaults. Grafana
// registers them in its application, which is not published; an option that is not here is reported as a fault.
import * as grafana from '@grafana/data';

const identity = grafana.identityOverrideProcessor;
const STANDARD = {
  displayName: grafana.displayNameOverrideProcessor,
  unit: grafana.unitOverrideProcessor,
  min: grafana.numberOverrideProcessor,
  max: grafana.numberOverrideProcessor,
  decimals: grafana.numberOverrideProcessor,
  fieldMinMax: grafana.booleanOverrideProcessor,
  color: identity,
  links: grafana.dataLinksOverrideProcessor,
  actions: identity,
  mappings: grafana.valueMappingsOverrideProcessor,
  thresholds: grafana.thresholdsOverrideProcessor,
  noValue: grafana.displayNameOverrideProcessor,
  filterable: grafana.booleanOverrideProcessor,
  description: grafana.displayNameOverrideProcessor,
};

const hideFrom = { tooltip: false, viz: false, legend: false };
const AXES = { axisPlacement: 'auto', axisLabel: '', axisWidth: undefined };
const CUSTOM = {
  timeseries: {
    ...AXES,
    axisColorMode: 'text',
    axisBorderShow: false,
    axisCenteredZero: false,
    axisSoftMin: undefined,
    axisSoftMax: undefined,
    axisGridShow: undefined,
    scaleDistribution: { type: 'linear' },
    drawStyle: 'line',
    lineInterpolation: 'linear',
    lineWidth: 1,
    lineStyle: undefined,
    lineColor: undefined,
    fillOpacity: 0,
    fillBelowTo: undefined,
    gradientMode: 'none',
    spanNulls: false,
    insertNulls: false,
    showPoints: 'auto',
    showValues: false,
    pointSize: 5,
    pointColor: undefined,
    stacking: { mode: 'none', group: 'A' },
    barAlignment: 0,
    barMaxWidth: undefined,
    barWidthFactor: 0.6,
    thresholdsStyle: { mode: 'off' },
    transform: undefined,
    hideFrom,
  },
  table: {
    align: 'auto',
    cellOptions: { type: 'auto' },
    inspect: false,
    filterable: undefined,
    hidden: undefined,
    hideFrom,
    width: undefined,
    minWidth: undefined,
    wrapHeaderText: undefined,
    wrapText: undefined,
    footer: { reducers: [] },
    tooltip: undefined,
    styleField: undefined,
  },
  'state-timeline': { ...AXES, lineWidth: 0, fillOpacity: 70, hideFrom },
  bargauge: { hideFrom: undefined },
  stat: { hideFrom: undefined },
  text: {},
};

function option(id, process, more) {
  const nothing = () => null;
  return {
    id,
    path: id,
    name: id,
    description: '',
    settings: {},
    editor: nothing,
    override: nothing,
    shouldApply: () => true,
    process,
    ...more,
  };
}

const standard = () =>
  Object.entries(STANDARD).map(([id, process]) =>
    option(id, process, { defaultValue: id === 'mappings' ? [] : undefined }),
  );

grafana.standardFieldConfigEditorRegistry.setInit(standard);
grafana.standardTransformersRegistry.setInit(() => {
  const all = new Map(
    Object.values(grafana.standardTransformers).map((transformer) => [transformer.id, transformer]),
  );
  return [...all.values()].map((transformer) => ({
    id: transformer.id,
    name: transformer.name,
    transformation: async () => transformer,
    aliasIds: transformer.aliasIds,
  }));
});

/** The registry that overrides of a panel are looked up in. */
function registry(kind) {
  const own = Object.entries(CUSTOM[kind] ?? {}).map(([id, defaultValue]) =>
    option(`custom.${id}`, identity, { path: id, isCustom: true, defaultValue }),
  );
  return new grafana.Registry(() => [...standard(), ...own]);
}

/** A panel's configuration of fields, with what is left out. */
export function withDefaults(panel) {
  const config = structuredClone(panel.fieldConfig ?? { defaults: {}, overrides: [] });
  config.defaults.custom = { ...structuredClone(CUSTOM[panel.type] ?? {}), ...config.defaults.custom };
  return config;
}

/** The frames with the panel's configuration in them. `fill` fills in variables, with what a row of data says. */
export function configured(panel, frames, { theme, timeZone, fill, fault }) {
  const known = registry(panel.type);
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  const asked = [
    ...Object.keys(defaults).filter((id) => id !== 'custom'),
    ...Object.keys(defaults.custom ?? {}).map((id) => `custom.${id}`),
    ...overrides.flatMap(({ properties }) => properties.map(({ id }) => id)),
  ];
  for (const id of new Set(asked)) if (!known.getIfExists(id)) fault(`field option ${id} is not known`);
  return grafana.applyFieldOverrides({
    data: frames,
    fieldConfig: withDefaults(panel),
    fieldConfigRegistry: known,
    theme,
    timeZone,
    replaceVariables: (text, scoped) => fill(text, { data: scoped?.__dataContext?.value }),
  });
}
