// Runs the suite of the npm package http-cache-tests against a base URL and prints what came of each test as JSON.
//   node http_cache_tests.mjs DIRECTORY_WITH_NODE_MODULES BASE_URL
import { createRequire } from 'module'
import path from 'path'
import { pathToFileURL } from 'url'

const [directory, base] = process.argv.slice(2)
const suite = file => import(pathToFileURL(path.join(directory, 'node_modules/http-cache-tests', file)))
const fetch = createRequire(path.join(directory, 'x.js'))('node-fetch')

const log = console.log
console.log = console.error
const { runTests, getResults } = await suite('client/runner.mjs')
const { default: groups } = await suite('tests/index.mjs')
await runTests(groups, fetch, false, base, 25)
const results = getResults()
const rows = []
for (const group of groups) {
  for (const test of group.tests) {
    if (test.browser_only || !(test.id in results)) continue
    const result = results[test.id]
    rows.push({
      group: group.id, id: test.id, name: test.name, kind: test.kind || 'required',
      passed: result === true, why: result === true ? '' : String(result.slice ? result.slice(0, 2).join(': ') : result)
    })
  }
}
log(JSON.stringify(rows, null, 1))
