import consoleStart from '../examples/console-start.graphql?raw';
import servicePage from '../examples/service-page.graphql?raw';
import findByTag from '../examples/find-by-tag.graphql?raw';
import whatIsInEb4 from '../examples/what-is-in-eb4.graphql?raw';
import inventoryPage from '../examples/inventory-page.graphql?raw';
import privilegeMatrix from '../examples/privilege-matrix.graphql?raw';

/** The tabs of a first visit; GraphiQL titles each by the name of its operation. */
export const EXAMPLES = [
  { query: consoleStart },
  { query: servicePage },
  { query: findByTag },
  { query: whatIsInEb4 },
  { query: inventoryPage, variables: JSON.stringify({ after: null }, null, 2) },
  { query: privilegeMatrix },
];
