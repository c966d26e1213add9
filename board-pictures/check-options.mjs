// Checks the names and values of the options in boards against the types of @grafana/schema: node check-options.mjs BOARD.json...
import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const SCHEMA = path.join(import.meta.dirname, 'node_modules/@grafana/schema/dist/types');
const { TypeFlags } = ts;

// Names that Grafana has, and its schema has not.
const ALLOWED = [
  // What Grafana's own editor writes beside the query of a variable.
  /^board\.templating\.list\[\d+\]\.definition$/,
  // Annotations of the Prometheus data source have their query in the annotation itself.
  /^board\.annotations\.list\[\d+\]\.(expr|step|tagKeys|textFormat|titleFormat|useValueForTime)$/,
  // Hides a column of a table in Grafana 11. Since 12.2 that is hideFrom.
  /^panel \d+, [^.]*, override\.hidden$/,
];

/** Where the type of what a kind of panel takes is declared. */
const declared = (kind) =>
  path.join(SCHEMA, 'raw/composable', kind.replaceAll('-', ''), 'panelcfg/x/types.gen.d.ts');
const BOARD = path.join(SCHEMA, 'index.d.ts');

const boards = process.argv
  .slice(2)
  .map((file) => ({ file, board: JSON.parse(fs.readFileSync(file, 'utf8')) }));
const panels = boards.flatMap(({ board }) => board.panels).filter(({ type }) => type !== 'row');
const kinds = [...new Set(panels.map(({ type }) => type))];
const options = {
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  module: ts.ModuleKind.ESNext,
  skipLibCheck: true,
  noEmit: true,
};
const program = ts.createProgram([BOARD, ...kinds.map(declared).filter(fs.existsSync)], options);
const checker = program.getTypeChecker();

function typeOf(file, name) {
  const source = program.getSourceFile(file);
  const symbol =
    source &&
    checker.getExportsOfModule(checker.getSymbolAtLocation(source)).find((one) => one.name === name);
  return symbol && checker.getDeclaredTypeOfSymbol(symbol);
}

const parts = (type) => (type.isUnion() ? type.types.flatMap(parts) : [type]);

/** The faults of a value where the type is expected, each with where it is. */
function faults(value, type, at) {
  const possible = parts(type);
  // What the schema says nothing of, and what is left out.
  if (value === null || possible.some(({ flags }) => flags & (TypeFlags.Any | TypeFlags.Unknown))) return [];
  const wrong = [`${at}: ${JSON.stringify(value)} is not ${checker.typeToString(type)}`];
  if (Array.isArray(value)) {
    const list = possible.find((one) => checker.isArrayType(one));
    if (!list) return wrong;
    const [element] = checker.getTypeArguments(list);
    return value.flatMap((one, index) => faults(one, element, `${at}[${index}]`));
  }
  if (typeof value !== 'object') {
    const kind = { string: TypeFlags.String, number: TypeFlags.Number, boolean: TypeFlags.BooleanLike }[
      typeof value
    ];
    return possible.some((one) => (one.isLiteral() ? one.value === value : one.flags & kind)) ? [] : wrong;
  }
  if (possible.some(({ flags }) => flags & TypeFlags.NonPrimitive)) return [];
  const objects = possible.filter(
    (one) => one.flags & (TypeFlags.Object | TypeFlags.Intersection) && !checker.isArrayType(one),
  );
  if (!objects.length) return wrong;
  // Of several shapes that it may have, it is meant to have the one that it fits best.
  return objects.map((one) => ofObject(value, one, at)).sort((one, other) => one.length - other.length)[0];
}

const unknown = (at) => (ALLOWED.some((pattern) => pattern.test(at)) ? [] : [`${at}: no such name`]);

function ofObject(value, type, at) {
  const free = checker.getIndexInfoOfType(type, ts.IndexKind.String);
  return Object.entries(value).flatMap(([name, one]) => {
    const known = checker.getPropertyOfType(type, name);
    if (known) return faults(one, checker.getTypeOfSymbol(known), `${at}.${name}`);
    return free ? faults(one, free.type, `${at}.${name}`) : unknown(`${at}.${name}`);
  });
}

function ofPanel({ options: own, fieldConfig, ...panel }) {
  const at = `panel ${panel.id}, ${panel.title}`;
  const file = declared(panel.type);
  const kind = typeOf(file, 'Options');
  if (!kind) return [`${at}: nothing is known of kind ${panel.type}`];
  const { defaults: { custom = {}, ...defaults } = {}, overrides = [] } = fieldConfig ?? {};
  const customs = typeOf(file, 'FieldConfig');
  const field = typeOf(BOARD, 'FieldConfig');
  const checkCustom = (value, where) => {
    if (customs) return faults(value, customs, where);
    return Object.keys(value).map((name) => `${where}.${name}: this kind of panel has none`);
  };
  // An override names what it sets by its path.
  const found = overrides
    .flatMap(({ properties }) => properties)
    .flatMap(({ id, value }) =>
      id.startsWith('custom.')
        ? checkCustom({ [id.slice('custom.'.length)]: value }, `${at}, override`)
        : faults({ [id]: value }, field, `${at}, override`),
    );
  return [
    ...faults(panel, typeOf(BOARD, 'Panel'), at),
    ...faults(own ?? {}, kind, `${at}, options`),
    ...faults(defaults, field, `${at}, defaults`),
    ...checkCustom(custom, `${at}, defaults.custom`),
    ...found,
  ];
}

let failed = false;
for (const {
  file,
  board: { panels: all, ...board },
} of boards) {
  const found = [
    ...faults(board, typeOf(BOARD, 'Dashboard'), 'board'),
    ...all.filter(({ type }) => type !== 'row').flatMap(ofPanel),
  ];
  found.forEach((fault) => console.log(`${file}: ${fault}`));
  failed ||= found.length > 0;
}
process.exitCode = failed ? 1 : 0;
