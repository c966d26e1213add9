// What each login and account went through: made up going back in time from the status that it has now.

const DAY = 86400;

/**
 * A kind of object that has a status. `usual` is the status of one that is well; `troubles` are those it may fall into, one that
 * stands twice being twice as likely; `well` and `ill` are days, in the mean.
 */
export const KINDS = {
  connection: {
    id: 'connection_id',
    usual: 'CONNECTED',
    troubles: [
      'MFA_TOKEN_EXPIRED',
      'MFA_TOKEN_EXPIRED',
      'PASSWORD_INCORRECT',
      'NEW_PASSWORD_NEEDED',
      'NEW_PASSWORD_NEEDED',
      'ADDITIONAL_CREDENTIALS_NEEDED',
      'WEBSITE_DOWN',
      'UNDER_INVESTIGATION',
    ],
    well: 63,
    ill: 4,
  },
  account: {
    id: 'account_id',
    usual: 'PULL_COMPLETED',
    troubles: ['NO_DOCUMENTS_FOUND', 'PDF_DOWNLOAD_FAILED', 'ONBOARDED', 'WORKFLOW_NOT_ACCESSIBLE'],
    well: 84,
    ill: 4,
  },
};

// Two days at the utilities with most logins, so that there is something to find: days before now, and the share of logins hit.
const OUTAGES = [
  { utility: 0, from: 13.2, to: 12, share: 0.8 },
  { utility: 1, from: 3.6, to: 3, share: 0.66 },
];

/** Numbers between 0 and 1 that are the same in every run (mulberry32). */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Every object of a kind, as `{ labels, episodes }`: its labels (company, utility, ids), and its episodes with the newest first,
 * each `{ status, category, from, to }` in Unix seconds. The last episode's end is Infinity. `begin` and `now` bound the history.
 */
export function lives(name, { samples }, begin, now, chance) {
  const kind = KINDS[name];
  const category = Object.fromEntries(
    samples.get(`nectar_${name}s`).map(({ labels }) => [labels.status, labels.category]),
  );
  const by = (family) =>
    new Map((samples.get(family) ?? []).map(({ labels, value }) => [labels[kind.id], { labels, value }]));
  const info = by(`nectar_${name}_info`);
  const since = by(`nectar_${name}_status_first_seen_timestamp_seconds`);
  const created = by(`nectar_${name}_created_timestamp_seconds`);
  const days = (mean) => -Math.log(1 - chance()) * mean * DAY;
  const all = [];
  for (const [id, { labels: status }] of by(`nectar_${name}_status`)) {
    const labels = info.get(id).labels;
    const birth = Math.max(begin, created.get(id)?.value ?? 0);
    let from = Math.max(birth, since.get(id)?.value ?? birth);
    const episodes = [{ status: status.status, category: status.category, from, to: Infinity }];
    while (from > birth) {
      const after = episodes.at(-1).status;
      const troubled = after === kind.usual;
      const before = troubled ? kind.troubles[Math.floor(chance() * kind.troubles.length)] : kind.usual;
      const to = from;
      from = Math.max(birth, to - days(troubled ? kind.ill : kind.well));
      episodes.push({ status: before, category: category[before], from, to });
    }
    all.push({ labels, episodes });
  }
  if (name === 'connection') outages(all, category, now, chance);
  return all;
}

function outages(all, category, now, chance) {
  const logins = new Map();
  for (const { labels } of all) logins.set(labels.datasource, (logins.get(labels.datasource) ?? 0) + 1);
  const largest = [...logins].sort(([, one], [, other]) => other - one).map(([utility]) => utility);
  for (const outage of OUTAGES) {
    const [from, to] = [now - outage.from * DAY, now - outage.to * DAY];
    for (const { labels, episodes } of all) {
      const at = episodes.findIndex((episode) => episode.from < from && episode.to > to);
      if (
        labels.datasource !== largest[outage.utility] ||
        at < 0 ||
        episodes[at].status !== KINDS.connection.usual
      )
        continue;
      if (chance() > outage.share) continue;
      const whole = episodes[at];
      const down = { status: 'WEBSITE_DOWN', category: category.WEBSITE_DOWN, from, to };
      episodes.splice(at, 1, { ...whole, from: to }, down, { ...whole, to: from });
    }
  }
}
