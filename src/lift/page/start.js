// Unpacks the data and begins. `ready` is for whoever must know when it has.
const ready = (async () => {
  const status = byId("status");
  if (!("DecompressionStream" in window)) {
    status.textContent = "This browser cannot unpack the poses: it lacks DecompressionStream. Chromium has it from " +
      "version 80, Firefox from 113 and Safari from 16.4.";
    return;
  }
  status.textContent = "Unpacking the poses …";
  try {
    const bytes = await inflated(bytesOf(byId("data").textContent));
    run(unpacked(JSON.parse(byId("head").textContent), bytes));
    status.hidden = true;
  } catch (error) {
    status.textContent = `The poses in this page cannot be read, perhaps because the file is damaged: ${error.message}`;
    throw error;
  }
})();
