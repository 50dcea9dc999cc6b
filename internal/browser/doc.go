// Package browser tests the page of "sgfuzz serve" in a real browser, headless.
// It is a module of its own, so that nobody who builds sgfuzz needs the driver.
// .ci/browser runs it.
//
// The browser is the Chromium of the system. Without one the tests are skipped,
// loudly; with CI or SGFUZZ_BROWSER=require in the environment that is an error.
// With SGFUZZ_SHOTS=DIR, TestScreens writes pictures of the page to look at.
package browser
