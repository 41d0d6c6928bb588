// The subset of Markdown that docs/science.md uses: headings, paragraphs, lists, tables; code, bold and links in a line.

export type Inline = { kind: "text" | "code" | "bold" | "link"; text: string };

export type Block =
  | { kind: "heading"; level: number; content: Inline[] }
  | { kind: "paragraph"; content: Inline[] }
  | { kind: "list"; items: Inline[][] }
  | { kind: "table"; header: Inline[][]; rows: Inline[][][] };

export function parseMarkdown(text: string): Block[] {
  return text
    .replaceAll("\r\n", "\n")
    .split(/\n{2,}|\n(?=#)|(?<=^#.*)\n/m)
    .map((chunk) => chunk.trim())
    .filter((chunk) => chunk !== "")
    .map(parseBlock);
}

function parseBlock(chunk: string): Block {
  const heading = /^(#{1,6})\s+(.*)$/s.exec(chunk);
  if (heading) {
    return { kind: "heading", level: heading[1]?.length ?? 1, content: parseInline(heading[2] ?? "") };
  }
  const lines = chunk.split("\n");
  if (chunk.startsWith("|") && lines.length > 2) {
    const [header = [], , ...rows] = lines.map(cells);
    return { kind: "table", header, rows };
  }
  if (chunk.startsWith("- ")) {
    return { kind: "list", items: chunk.split(/\n(?=- )/).map((item) => parseInline(item.slice(2))) };
  }
  return { kind: "paragraph", content: parseInline(chunk) };
}

function cells(line: string): Inline[][] {
  return line.replace(/^\||\|$/g, "").split("|").map((cell) => parseInline(cell.trim()));
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\([^)]*\)/g;

function parseInline(text: string): Inline[] {
  const line = text.replaceAll(/\s*\n\s*/g, " ");
  const parts: Inline[] = [];
  let end = 0;
  for (const match of line.matchAll(INLINE)) {
    if (match.index > end) {
      parts.push({ kind: "text", text: line.slice(end, match.index) });
    }
    const [whole, code, bold, link] = match;
    parts.push(
      code !== undefined
        ? { kind: "code", text: code }
        : bold !== undefined
          ? { kind: "bold", text: bold }
          : { kind: "link", text: link ?? "" },
    );
    end = match.index + whole.length;
  }
  if (end < line.length) {
    parts.push({ kind: "text", text: line.slice(end) });
  }
  return parts;
}

/** Text of a heading, to find it. */
export function inlineText(content: readonly Inline[]): string {
  return content.map(({ text }) => text).join("");
}
