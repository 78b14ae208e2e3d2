import 'graphiql/setup-workers/vite';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { EXAMPLES } from './examples.js';
import { useSession } from './session.js';
import { StepUpDialog } from './StepUpDialog.jsx';
import { TokenBox } from './TokenBox.jsx';
import icon from './icon.svg';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './page.css';

// Made once: a new list would make GraphiQL reset its side bar.
const PLUGINS = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })];

function Page() {
  const session = useSession();
  return (
    <>
      <header>
        <h1>
          <img src={icon} alt="" /> ITCare gateway
        </h1>
        <TokenBox session={session} />
      </header>
      <main>
        <GraphiQL
          fetcher={session.fetcher}
          // Nobody but a caller may introspect: null keeps GraphiQL from asking, undefined lets it.
          schema={session.viewer ? undefined : null}
          schemaDescription
          inputValueDeprecation
          plugins={PLUGINS}
          defaultTabs={EXAMPLES}
          // The history is kept in local storage with the headers of each request, where no token may ever be.
          isHeadersEditorEnabled={false}
          shouldPersistHeaders={false}
        >
          <GraphiQL.Logo>
            <span />
          </GraphiQL.Logo>
        </GraphiQL>
      </main>
      {session.asked && <StepUpDialog asked={session.asked} />}
    </>
  );
}

createRoot(document.getElementById('page')).render(<Page />);
