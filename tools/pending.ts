/**
 * What the documents and the registry already name and the house does not hold yet. Both lists must be empty
 * in a release; an entry that is no longer needed fails the tests.
 */

/** Error codes that nothing raises yet. */
export const pendingCodes: readonly string[] = []

/** Files, symbols and scripts (`path#text`) that our pages name. */
export const pendingClaims: readonly string[] = []
