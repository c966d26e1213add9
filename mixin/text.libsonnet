// Changes of texts that fail where the text is not as expected.
local isOfName(c) = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';

// How many characters at the beginning of `text`, from `at` on, can be part of the name of a series.
local nameLength(text, at=0) =
  if at < std.length(text) && isOfName(text[at]) then nameLength(text, at + 1) else at;

// `text` from its character `at` on.
local rest(text, at) = std.substr(text, at, std.length(text));

{
  // `text` with each `old[i][0]`, which must be there `old[i][1]` times, replaced by `new[i][0]`.
  replaceAll(where, text, old, new)::
    std.foldl(
      function(text, i) $.replace(where, text, old[i][0], new[i][0], old[i][1]),
      std.range(0, std.length(old) - 1),
      text
    ),

  // `text` with `old`, which must be there `times` times, replaced by `new`.
  replace(where, text, old, new, times)::
    // std.findSubstr takes minutes for a board.
    local found = (std.length(text) - std.length(std.strReplace(text, old, ''))) / std.length(old);
    assert found == times : '%s: "%s" is there %d times and not %d: see mixin/' % [where, old, found, times];
    std.strReplace(text, old, new),

  // `text` with `matcher` in each selector of a series whose name begins with `start`, or is `start` where that is a whole name. Recorded
  // series, which have a colon in their names, are left as they are. In prose only what is followed by a brace is a selector.
  select(text, start, matcher, prose=false)::
    local parts = std.split(text, start);
    local selected(before, after) =
      local length = nameLength(after), name = std.substr(after, 0, length), braced = std.startsWith(rest(after, length), '{');
      local isSelector =
        (before == '' || std.member([' ', '(', '\n'], before[std.length(before) - 1]))
        && !std.member(name, ':') && (length == 0 || std.endsWith(start, '_')) && (braced || !prose);
      if !isSelector then after
      else if braced then '%s{%s, %s' % [name, matcher, rest(after, length + 1)]
      else '%s{%s}%s' % [name, matcher, rest(after, length)];
    parts[0] + std.join('', [start + selected(parts[i - 1], parts[i]) for i in std.range(1, std.length(parts) - 1)]),

  // `template`, which is that of Alertmanager, with `url` before the links called `name`; null leaves it.
  setLinkBase(template, name, url)::
    local opens = '{{ define "nectar.link.%s" }}{{ with "' % name;
    local parts = std.split(template, opens);
    assert std.length(parts) == 2 : 'alerts/nectar.tmpl has not one link called ' + name;
    if url == null then template
    else parts[0] + opens + url + rest(parts[1], std.length(std.split(parts[1], '"')[0])),
}
