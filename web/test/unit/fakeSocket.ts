/** The server's side of a message in the `graphql-transport-ws` protocol. */
type Script = { results: unknown[]; endless?: boolean } | { closeCode: number; reason: string };

interface Message {
  type: string;
  id?: string;
  payload?: unknown;
}

/** A `WebSocket` to a server that accepts one connection and sends scripted messages. */
export class FakeSocket {
  static last: FakeSocket | undefined;
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;

  readyState = FakeSocket.CONNECTING;
  initPayload: unknown;
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;
  onclose?: (event: { code: number; reason: string; wasClean: boolean }) => void;
  onerror?: (event: unknown) => void;

  constructor(
    readonly url: string,
    readonly protocol: string,
    private readonly script: Script,
  ) {
    FakeSocket.last = this;
    queueMicrotask(() => {
      this.readyState = FakeSocket.OPEN;
      this.onopen?.();
    });
  }

  static serving(results: unknown[]) {
    return FakeSocket.playing({ results });
  }

  static streaming(results: unknown[]) {
    return FakeSocket.playing({ results, endless: true });
  }

  static closing(closeCode: number, reason: string) {
    return FakeSocket.playing({ closeCode, reason });
  }

  private static playing(script: Script) {
    return class extends FakeSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol, script);
      }
    };
  }

  send(data: string) {
    const message = JSON.parse(data) as Message;
    if (message.type === "connection_init") {
      this.initPayload = message.payload;
      if ("closeCode" in this.script) {
        this.close(this.script.closeCode, this.script.reason);
      } else {
        this.reply({ type: "connection_ack" });
      }
    }
    if (message.type === "subscribe" && message.id && "results" in this.script) {
      for (const payload of this.script.results) {
        this.reply({ type: "next", id: message.id, payload });
      }
      if (!this.script.endless) {
        this.reply({ type: "complete", id: message.id });
      }
    }
  }

  close(code = 1000, reason = "") {
    this.readyState = FakeSocket.CLOSED;
    queueMicrotask(() => this.onclose?.({ code, reason, wasClean: true }));
  }

  private reply(message: Message) {
    queueMicrotask(() => this.onmessage?.({ data: JSON.stringify(message) }));
  }
}
