const actionsBySignal = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * What is to be done when a signal fires; whoever has added an action takes it out of the set when it is over. One
 * listener per signal: to add and to remove one costs a fifth of a query, and a request asks several.
 */
export function abortActions(signal: AbortSignal): Set<() => void> {
  const known = actionsBySignal.get(signal);
  if (known) return known;
  const actions = new Set<() => void>();
  actionsBySignal.set(signal, actions);
  const fire = () => {
    const all = [...actions];
    actions.clear();
    for (const action of all) action();
  };
  signal.addEventListener('abort', fire, { once: true });
  return actions;
}
