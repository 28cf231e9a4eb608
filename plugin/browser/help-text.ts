/** What `?` shows; at most 80 columns wide. */
export const HELP = `In the list

  Up, Down, k, j        one row up, down
  PgUp, PgDn, b, Space  one screen up, down; older rows are loaded as you go
  Home, End, g, G       the newest row, the oldest that is loaded
  Enter                 unfold or fold what followed from an act;
                        where nothing followed, the diff
  Right, Left           unfold, fold
  d                     the diff of the change
  s                     everything about it, as kubectl blame show
  u                     the patch that undoes it; nothing is applied
  l                     the object after it, and who set each line
  /                     search, also in older rows; n, N: next, previous match
  q, Control-C          quit

In a text

  Up, Down, k, j        one line up, down
  PgUp, PgDn, b, Space  one screen up, down
  Home, End, g, G       the beginning, the end
  d, s, u, l            the other texts about the same change
  /, n, N               search
  q, Esc, Left          back to the list

A search ignores case unless it has a capital letter.
`;
