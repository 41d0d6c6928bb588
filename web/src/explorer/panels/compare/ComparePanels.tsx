import { useMemo } from "react";
import { ComparePanelDocument } from "../../../graphql/generated/panels";
import type { Subject } from "../../view";
import { usePanelSettings } from "../context";
import { usePanelQuery } from "../frame/usePanelQuery";
import { CompareChartPanel } from "./CompareChartPanel";
import { CompareTablePanel } from "./CompareTablePanel";
import { comparisonOf } from "./comparison";
import { compareVariables } from "./variables";
import "./compare.css";

/** Two to six subjects in one chart and one table, by one request. */
export function ComparePanels({ subjects }: { subjects: readonly Subject[] }) {
  const query = usePanelQuery(ComparePanelDocument, compareVariables(subjects, usePanelSettings()));
  const { data } = query;
  const comparison = useMemo(() => data && comparisonOf(subjects, data), [data, subjects]);
  const compared = { ...query, data: comparison };
  return (
    <>
      <CompareChartPanel query={compared} />
      <CompareTablePanel query={compared} />
    </>
  );
}
