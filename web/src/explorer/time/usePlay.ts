import { useEffect, useRef, useState } from "react";

/** Time that each step is shown, in milliseconds. */
const STEP_DURATION = 900;

/** Moves the slider step by step. A step that is still loading is waited for. */
export function usePlay({
  index,
  count,
  loading,
  onStep,
}: {
  /** -1 before the first step. */
  index: number;
  count: number;
  loading: boolean;
  onStep: (index: number) => void;
}) {
  const [playing, setPlaying] = useState(false);
  const step = useRef(onStep);
  step.current = onStep;

  useEffect(() => {
    if (!playing || loading) {
      return undefined;
    }
    if (index >= count - 1) {
      setPlaying(false);
      return undefined;
    }
    const timer = setTimeout(() => step.current(index + 1), index === -1 ? 0 : STEP_DURATION);
    return () => clearTimeout(timer);
  }, [playing, loading, index, count]);

  return {
    playing,
    pause: () => setPlaying(false),
    toggle: () => {
      if (!playing && index >= count - 1) {
        step.current(0); // again from the start
      }
      setPlaying(!playing);
    },
  };
}
