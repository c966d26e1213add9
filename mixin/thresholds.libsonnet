// Where the thresholds `t` stand: a list of texts for a field of an alert, or for the JSON of a board, with how often each is found there.
// mixin/thresholds.json is the table of them; the Helm chart reads it, too.
local table = import 'thresholds.json';

// `text` with `value` in it: as a number, as a share of 1, or as in the JSON of a board, which writes 14.0, and 7.5.
local written(text, value) =
  local decimal = if value == std.floor(value) then '%d.0' % value else '%g' % value;
  local forms = [['{number}', '%g' % value], ['{share}', '%g' % (value / 100)], ['{decimal}', decimal]];
  std.foldl(function(text, form) std.strReplace(text, form[0], form[1]), forms, text);

function(t) function(where, field)
  [[written(row.text, t[row.threshold]), row.times] for row in table.texts if row['in'] == where && row.field == field]
