/**
 * Migrations of the schema: the statements at index `n` lead from version `n` to `n + 1`, in one transaction. A released
 * migration is never edited. The migrations yield the tables of `tables.ts`, and the table `integrity`, which only `integrity.ts`
 * uses.
 */
export const migrations: readonly (readonly string[])[] = [
  [
    'CREATE TABLE labels (name TEXT NOT NULL, idx INTEGER NOT NULL, colour TEXT NOT NULL, PRIMARY KEY (name)) STRICT, WITHOUT ROWID',
    'CREATE TABLE pools (name TEXT NOT NULL, position INTEGER NOT NULL, config TEXT NOT NULL, PRIMARY KEY (name)) STRICT, WITHOUT ROWID',
    'CREATE TABLE global_properties (name TEXT NOT NULL, value TEXT, PRIMARY KEY (name)) STRICT, WITHOUT ROWID',
    'CREATE TABLE domains (qid INTEGER PRIMARY KEY NOT NULL, class TEXT NOT NULL) STRICT',
    'CREATE TABLE properties (qid INTEGER NOT NULL, name TEXT NOT NULL, value TEXT, PRIMARY KEY (qid, name)) STRICT, WITHOUT ROWID',
    `CREATE TABLE features (qid INTEGER NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, value TEXT NOT NULL,
      PRIMARY KEY (qid, name)) STRICT, WITHOUT ROWID`,
    'CREATE TABLE tags (qid INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (qid, tag)) STRICT, WITHOUT ROWID',
    'CREATE TABLE notes (qid INTEGER PRIMARY KEY NOT NULL, text TEXT NOT NULL) STRICT',
    'CREATE TABLE firewall (qid INTEGER PRIMARY KEY NOT NULL, rules TEXT NOT NULL) STRICT',
    'CREATE TABLE volumes (qid INTEGER NOT NULL, name TEXT NOT NULL, config TEXT NOT NULL, PRIMARY KEY (qid, name)) STRICT, WITHOUT ROWID',
    `CREATE TABLE devices (qid INTEGER NOT NULL, class TEXT NOT NULL, backend TEXT NOT NULL, port TEXT NOT NULL,
      device_id TEXT NOT NULL, mode TEXT NOT NULL, options TEXT NOT NULL,
      PRIMARY KEY (qid, class, backend, port, device_id)) STRICT, WITHOUT ROWID`,
    `CREATE TABLE intents (id INTEGER PRIMARY KEY NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, details TEXT NOT NULL,
      boot_id TEXT NOT NULL) STRICT`,
    'CREATE TABLE released_dispids (dispid INTEGER PRIMARY KEY NOT NULL, released_ms INTEGER NOT NULL) STRICT',
    'CREATE TABLE meta (key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (key)) STRICT, WITHOUT ROWID',
  ],
  [
    `CREATE TABLE integrity (id INTEGER PRIMARY KEY NOT NULL CHECK (id = 0), generation INTEGER NOT NULL, sums TEXT NOT NULL,
      checksum INTEGER NOT NULL) STRICT`,
  ],
]
