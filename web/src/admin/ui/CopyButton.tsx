import { useEffect, useState } from "react";
import { announce } from "../../shared/announce";
import { Button } from "../../shared/Button";
import { copyText } from "../../shared/copy";

/** How long the button shows its result. */
const SHOWN_FOR = 2000; // ms

export function CopyButton({ text, label }: { text: string; /** What is copied, such as `the key`. */ label: string }) {
  const [result, setResult] = useState<"copied" | "refused">();
  useEffect(() => {
    if (result) {
      const timer = setTimeout(() => setResult(undefined), SHOWN_FOR);
      return () => clearTimeout(timer);
    }
  }, [result]);
  return (
    <Button
      aria-label={`Copy ${label}`}
      className="copy-button"
      onClick={() =>
        void copyText(text).then((isCopied) => {
          setResult(isCopied ? "copied" : "refused");
          announce(isCopied ? "Copied" : "Copying is not allowed by this browser");
        })
      }
    >
      {result === undefined ? "Copy" : result === "copied" ? "Copied" : "Not allowed"}
    </Button>
  );
}
