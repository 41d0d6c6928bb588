import { useEffect, useState } from "react";
import { announce } from "../../shared/announce";
import { Button } from "../../shared/Button";
import { copyText } from "../../shared/copy";

/** Duration of the confirmation, in milliseconds. */
const CONFIRMATION = 2500;

export function CopyLink({ link }: { link: () => string }) {
  const [note, setNote] = useState<string | null>(null);
  useEffect(() => {
    const timer = note === null ? undefined : setTimeout(() => setNote(null), CONFIRMATION);
    return () => clearTimeout(timer);
  }, [note]);
  return (
    <Button
      onClick={() =>
        void copyText(link()).then((copied) => {
          const text = copied ? "Link copied" : "Copy the address bar";
          setNote(text);
          announce(text);
        })
      }
    >
      {note ?? "Copy link"}
    </Button>
  );
}
