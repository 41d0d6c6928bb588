import { useEffect, useState } from "react";

/** Time after which a request counts as slow, in milliseconds. */
const SLOW = 2500;

/** Whether `loading` has been true for some time. */
export function useSlow(loading: boolean): boolean {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    if (!loading) {
      setSlow(false);
      return undefined;
    }
    const timer = setTimeout(() => setSlow(true), SLOW);
    return () => clearTimeout(timer);
  }, [loading]);
  return slow;
}
