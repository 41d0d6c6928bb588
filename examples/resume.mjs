// Subscriptions that get every event once, across lost connections and restarts of the gateway.
//
// resumable() wraps a client of graphql-ws or graphql-sse; Apollo Client, urql and Relay take the wrapped client like
// the plain one. The gateway sends the position of each result as `extensions.cursor`; the wrapper puts the last one into the
// request, which these clients serialise again whenever they reconnect. Needs no package; copy it into your project.

/**
 * @template {{ subscribe: Function, iterate: Function }} Client
 * @param {Client} client a client of graphql-ws or graphql-sse
 * @returns {Client} the same client, whose subscriptions continue after their last result
 */
export function resumable(client) {
  return {
    ...client,
    subscribe(payload, sink, ...rest) {
      const { request, isResult } = track(payload);
      const next = (result) => isResult(result) && sink.next(result);
      const observer = { next, error: (error) => sink.error(error), complete: () => sink.complete() };
      return client.subscribe(request, observer, ...rest);
    },
    iterate(payload, ...rest) {
      const { request, isResult } = track(payload);
      const results = client.iterate(request, ...rest);
      return {
        async next() {
          for (;;) {
            const step = await results.next();
            if (step.done || isResult(step.value)) return step;
          }
        },
        return: () => results.return(),
        throw: (error) => results.throw(error),
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },
  };
}

/** A request that keeps the cursor of the last result, and whether a result is more than a cursor. */
function track(payload) {
  const resume = { after: payload.extensions?.resume?.after ?? null };
  const isResult = (result) => {
    const cursor = result.extensions?.cursor;
    if (cursor) resume.after = cursor;
    return !cursor || result.data != null || result.errors !== undefined;
  };
  return { request: { ...payload, extensions: { ...payload.extensions, resume } }, isResult };
}
