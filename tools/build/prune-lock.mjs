const required = 'required';
const optional = 'optional';
const peer = 'peer';

/**
 * The part of a lockfile (version 3) that one manifest needs, each package at the place and version that the whole
 * workspace was tested with. Marks are worked out anew: what is a development package there may be needed here.
 */
export function pruneLock(manifest, lock) {
  const everything = reach(manifest, lock, [required, optional, peer]);
  const withoutOptional = reach(manifest, lock, [required, peer]);
  const withoutPeers = reach(manifest, lock, [required, optional]);
  const packages = { '': rootEntry(manifest) };
  for (const place of [...everything].sort()) {
    const {
      dev: _dev,
      devOptional: _devOptional,
      optional: _optional,
      peer: _peer,
      ...entry
    } = lock.packages[place];
    packages[place] = {
      ...entry,
      ...(!withoutOptional.has(place) && { optional: true }),
      ...(!withoutPeers.has(place) && { peer: true }),
    };
  }
  return {
    name: manifest.name,
    version: manifest.version,
    lockfileVersion: lock.lockfileVersion,
    requires: true,
    packages,
  };
}

function rootEntry({ name, version, engines, dependencies }) {
  return { name, version, dependencies, engines };
}

/** Every place in the lock that the manifest leads to over edges of these kinds. */
function reach(manifest, lock, kinds) {
  const seen = new Set();
  const pending = Object.keys(manifest.dependencies).map((name) => `node_modules/${name}`);
  while (pending.length > 0) {
    const place = pending.pop();
    if (seen.has(place)) continue;
    seen.add(place);
    for (const [name, kind] of edges(lock.packages[place])) {
      const target = kinds.includes(kind) && resolve(lock, place, name);
      if (target) pending.push(target);
    }
  }
  return seen;
}

function* edges(entry) {
  for (const name of Object.keys(entry.dependencies ?? {})) yield [name, required];
  for (const name of Object.keys(entry.optionalDependencies ?? {})) yield [name, optional];
  for (const name of Object.keys(entry.peerDependencies ?? {})) {
    if (!entry.peerDependenciesMeta?.[name]?.optional) yield [name, peer];
  }
}

/** Node's own look-up: from a package's place outwards. */
function resolve(lock, from, name) {
  for (let folder = from; ; folder = outer(folder)) {
    const place = folder ? `${folder}/node_modules/${name}` : `node_modules/${name}`;
    if (lock.packages[place]) return place;
    if (!folder) return undefined;
  }
}

function outer(place) {
  const at = place.lastIndexOf('/node_modules/');
  return at === -1 ? '' : place.slice(0, at);
}
