import { createElement, useEffect, useRef } from "react";
import science from "../../../../../docs/science.md?raw";
import { Dialog } from "../../../shared/Dialog";
import { ScrollTable } from "../frame/ScrollTable";
import { type Block, type Inline, inlineText, parseMarkdown } from "./markdown";

const BLOCKS = parseMarkdown(science);

/** docs/science.md of this version, at a section. It is part of the page, so it opens without internet. */
export default function Docs({ section, onClose }: { section: string; onClose: () => void }) {
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const heading = [...(body.current?.querySelectorAll("h3") ?? [])].find(
      ({ textContent }) => textContent === section,
    );
    heading?.scrollIntoView();
    heading?.focus();
  }, [section]);
  return (
    <Dialog title="What the numbers mean" onClose={onClose}>
      <div ref={body} className="docs">
        {BLOCKS.slice(1).map((block, index) => (
          <BlockView key={index} block={block} />
        ))}
      </div>
    </Dialog>
  );
}

function BlockView({ block }: { block: Block }) {
  switch (block.kind) {
    case "heading":
      return createElement(
        `h${Math.min(block.level + 1, 6)}`,
        { tabIndex: -1 },
        inlineText(block.content),
      );
    case "paragraph":
      return (
        <p>
          <InlineView content={block.content} />
        </p>
      );
    case "list":
      return (
        <ul>
          {block.items.map((item, index) => (
            <li key={index}>
              <InlineView content={item} />
            </li>
          ))}
        </ul>
      );
    case "table":
      return (
        <ScrollTable label={block.header.map(inlineText).join(", ")}>
          <thead>
            <tr>
              {block.header.map((cell, index) => (
                <th key={index} scope="col">
                  <InlineView content={cell} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {block.rows.map((row, index) => (
              <tr key={index}>
                {row.map((cell, column) => (
                  <td key={column}>
                    <InlineView content={cell} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </ScrollTable>
      );
  }
}

function InlineView({ content }: { content: readonly Inline[] }) {
  return content.map(({ kind, text }, index) => {
    switch (kind) {
      case "code":
        return <code key={index}>{text}</code>;
      case "bold":
        return <strong key={index}>{text}</strong>;
      // Links lead to files of the repository, which the gateway does not serve.
      case "link":
      case "text":
        return text;
    }
  });
}
