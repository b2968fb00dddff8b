import type { Database, Redis } from '@rostrum/data-access';
import type { EventPublisher, Kit } from '@rostrum/service-kit';
import { AvoidanceListsService } from '../blocks/avoidance-lists.service';
import { AvoidancesRepository } from '../blocks/avoidances.repository';
import type { BlocksFeature } from '../blocks/blocks.routes';
import { BlocksService } from '../blocks/blocks.service';
import type { BusinessEvents } from '../business-events';
import { FollowChanges } from '../follows/follow-changes';
import { FollowsRepository } from '../follows/follows.repository';
import type { FollowsFeature } from '../follows/follows.routes';
import { FollowsService } from '../follows/follows.service';
import { PeopleListsService } from '../follows/people-lists.service';
import { RequestsRepository } from '../follows/requests.repository';
import type { Visibility } from '../visibility/open-visibility';
import { PeoplePages } from '../visibility/people-pages';
import { openProfileCache } from './profile-cache';
import { ProfileChangesService } from './profile-changes.service';
import { ProfilesRepository } from './profiles.repository';
import type { ProfilesFeature } from './profiles.routes';
import { ProfilesService } from './profiles.service';

export interface PeopleParts {
  database: Database;
  redis: Redis;
  visibility: Visibility;
  publisher: EventPublisher;
  events: BusinessEvents;
}

export interface PeopleFeatures {
  people: ProfilesFeature;
  follows: FollowsFeature;
  blocks: BlocksFeature;
}

/** Profiles, and what is between people. */
export function openPeople(kit: Kit, parts: PeopleParts, cursorSecret: string): PeopleFeatures {
  const { database, redis, visibility, publisher, events } = parts;
  const { people: states, peopleReader, relations } = visibility;
  const cache = openProfileCache(kit, redis);
  const profiles = new ProfilesService(new ProfilesRepository(database), cache, relations);
  const changes = new FollowChanges(publisher, events);
  const lists = new PeopleListsService({
    follows: new FollowsRepository(database),
    requests: new RequestsRepository(database),
    pages: new PeoplePages(peopleReader),
    people: peopleReader,
    profiles,
    cursorSecret,
  });
  const avoidances = {
    block: new AvoidancesRepository(database, 'block'),
    mute: new AvoidancesRepository(database, 'mute'),
  };
  return {
    people: {
      profiles,
      changes: new ProfileChangesService({ profiles: cache, people: states, publisher, events }),
    },
    follows: { follows: new FollowsService({ publisher, changes, profiles: cache }), lists },
    blocks: {
      blocks: new BlocksService({ publisher, follows: changes, ids: profiles, profiles: cache, relations }),
      lists: new AvoidanceListsService(avoidances, cursorSecret),
    },
  };
}
