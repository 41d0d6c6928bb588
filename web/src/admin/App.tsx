export function App() {
  return (
    <main className="admin">
      <h1>airgraph admin</h1>
    </main>
  );
}
