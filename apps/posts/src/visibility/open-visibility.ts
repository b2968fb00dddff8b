import { cachePolicies, redisKeys, type Cache, type Database, type Redis } from '@rostrum/data-access';
import { openCache, type Kit } from '@rostrum/service-kit';
import { packedShape } from '../posts/post-document';
import { PostDocuments } from '../posts/post-documents.repository';
import { PostRows } from '../posts/posts.repository';
import { ChangeLog } from './change-log';
import { KnownPosts } from './known-posts';
import { People } from './people';
import { PeopleReader } from './people-reader';
import { PeopleRepository } from './people.repository';
import { PostPages } from './post-pages';
import { PostReader } from './post-reader';
import { RelationsRepository } from './relations.repository';
import { mostRelationsKept, ViewerRelations } from './viewer-relations';

/** What everybody needs who shows posts or people, or changes who sees them. */
export interface Visibility {
  reader: PostReader;
  /** Rows of posts, for what is not shown but decided. */
  rows: PostRows;
  pages: PostPages;
  peopleReader: PeopleReader;
  /** Changes of what the JSON of a post or its facts are made of go through `postCache.change([postId], …)`. */
  postCache: Cache;
  people: People;
  relations: ViewerRelations;
  /** All changes of these, for what is made of many of them. */
  changes: ChangeLog;
}

/** Loads of a turn are one statement, so that many at once are no more to PostgreSQL than one. */
const loads = { atOnce: 256, waiting: 2_000 };

/** Nothing here may be read from a replica: what is loaded stands in the cache for everybody. */
export function openVisibility(kit: Kit, redis: Redis, database: Database): Visibility {
  const changes = new ChangeLog(redis, redisKeys(kit.service).key('changes'));
  const onChange = (ids: readonly string[]) => changes.add(ids);
  const postCache = openCache(kit, redis, {
    name: 'post',
    policy: 'post',
    version: packedShape,
    loads,
    onChange,
  });
  // Nobody remembers that there is no such person: one appears with the first thing that they do.
  const policy = { ...cachePolicies.post, absentSeconds: 0 };
  const people = new People(
    new PeopleRepository(database),
    openCache(kit, redis, { name: 'person', policy, loads, onChange }),
  );
  const relations = new ViewerRelations(
    new RelationsRepository(database, mostRelationsKept),
    openCache(kit, redis, { name: 'relations', policy, loads, onChange }),
  );
  const rows = new PostRows(database);
  const documents = new PostDocuments(database);
  const reader = new PostReader(documents, postCache, people, relations, new KnownPosts(changes));
  const peopleReader = new PeopleReader(people, relations);
  const pages = new PostPages(reader);
  return { reader, rows, pages, peopleReader, postCache, people, relations, changes };
}
