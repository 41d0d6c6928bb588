export function resumable<Client extends { subscribe: unknown; iterate: unknown }>(client: Client): Client;
