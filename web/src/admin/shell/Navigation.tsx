import { hrefOf, parseRoute, type Route, SECTIONS, sectionOf } from "../route";

export function Navigation({ route }: { route: Route }) {
  const section = sectionOf(route);
  return (
    <nav className="sections" aria-label="Administration">
      <ul>
        {SECTIONS.map(({ page, label }) => (
          <li key={page}>
            <a href={hrefOf(parseRoute(page))} aria-current={page === section ? "page" : undefined}>
              {label}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
