export function App() {
  return <main className="explorer">airgraph</main>;
}
