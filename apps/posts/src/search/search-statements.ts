/**
 * So many of the newest posts whose words have not been found yet are looked at by what they say. It takes 0.1 ms each;
 * usually there are none, and only a worker that is down for a while leaves more.
 */
const mostWithoutWords = 500;

/**
 * None of these is prepared: PostgreSQL plans each for what is asked. Of a word that is rare it takes the posts from the
 * index of words; of one that most posts have, it goes through the posts from the newest on and is done sooner.
 */
export const postsStatement = `
  (select id from posts
    where words @@ posts.search_query(?::jsonb) and deleted_at is null and id < ?::uuid
    order by id desc limit ?)
  union all
  (select id from (
     select id, text from posts
      where words_wait and deleted_at is null and id < ?::uuid order by id desc limit ${mostWithoutWords}) newest
    where posts.search_words(text) @@ posts.search_query(?::jsonb))
  order by id desc limit ?`;

const nameOf = 'posts.search_name(username, display_name)';
const nameAsked = 'posts.search_name(?, null)';

/** All who are similar are looked at, as only that says who is most: how similar they are is reckoned once for each. */
export const similarPeopleStatement = `
  with alike as materialized (
    select user_id as id, username, extensions.word_similarity(${nameAsked}, ${nameOf}) as score
      from profiles where ${nameOf} operator(extensions.%>) ${nameAsked} and not starts_with(username, ?))
  select id, score::text || ' ' || username as position from alike
   where score < ?::real or (score = ?::real and username collate "C" > ?)
   order by score desc, username collate "C" limit ?`;

export const peopleByStartStatement = `
  select user_id as id, username as position from profiles
   where username collate "C" >= ? and username collate "C" < ? and username collate "C" > ?
   order by username collate "C" limit ?`;

/**
 * The newest posts of each tag of a page are where the index goes on from it: "equal to the tag" would have PostgreSQL
 * sort all of them, since most tags have few.
 */
const newestOfTag = `
  array(select post_id from (
    select p.tag, p.post_id from post_tags p where p.tag >= page.tag order by p.tag, p.post_id desc limit ?) newest
     where newest.tag = page.tag) as "postIds"`;

/** From one tag to the next in the index, however many posts are between. */
export const tagsByStartStatement = `
  with recursive found as (
    select tag from (
      select tag from post_tags where tag collate "C" >= ? and tag collate "C" > ?
       order by tag collate "C" limit 1) first
     where starts_with(tag, ?)
    union all
    select next.tag from found, lateral (
      select tag from post_tags where tag collate "C" > found.tag order by tag collate "C" limit 1) next
     where starts_with(next.tag, ?)),
  page as materialized (select tag from found limit ?)
  select tag, tag as position, ${newestOfTag} from page order by tag collate "C"`;

export const similarTagsStatement = `
  with alike as materialized (
    select tag, extensions.word_similarity(${nameAsked}, posts.search_name(tag, null)) as score
      from tags where posts.search_name(tag, null) operator(extensions.%>) ${nameAsked} and not starts_with(tag, ?)),
  page as materialized (
    select tag, score from alike
     where score < ?::real or (score = ?::real and tag collate "C" > ?)
     order by score desc, tag collate "C" limit ?)
  select tag, score::text || ' ' || tag as position, ${newestOfTag}
    from page order by score desc, tag collate "C"`;
