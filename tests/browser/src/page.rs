//! A tab of a headless browser, in which errors and requests are counted.

use crate::Failure;
use headless_chrome::protocol::cdp::Emulation::{
    self, MediaFeature, SetDeviceMetricsOverride, SetEmulatedMedia,
};
use headless_chrome::protocol::cdp::types::Event;
use headless_chrome::protocol::cdp::{Network, Page as Protocol, Performance};
use headless_chrome::{Browser, LaunchOptions, Tab};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct Page {
    tab: Arc<Tab>,
    /// Errors on the console, and requests for anything but the pages.
    complaints: Arc<Mutex<Vec<String>>>,
    // Closed when dropped.
    _browser: Browser,
}

const FLAGS: [&str; 6] = [
    "--disable-quic",
    "--disable-gpu",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
];

impl Page {
    pub fn launch() -> Result<Page, Failure> {
        let path = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
        let path = path.iter().map(Path::new).find(|path| path.exists()).ok_or("no Chromium is installed")?;
        let options = LaunchOptions::default_builder()
            .path(Some(path.to_owned()))
            .sandbox(false)
            .window_size(Some((1200, 900)))
            .idle_browser_timeout(Duration::from_secs(300))
            .args(FLAGS.iter().map(OsStr::new).collect())
            .build()?;
        let browser = Browser::new(options)?;
        let tab = browser.new_tab()?;
        tab.set_default_timeout(Duration::from_secs(120));
        tab.call_method(Performance::Enable {
            time_domain: Some(Performance::EnableTime_domainOption::ThreadTicks),
        })?;
        let complaints = Arc::new(Mutex::new(Vec::new()));
        let list = complaints.clone();
        tab.enable_log()?.enable_runtime()?;
        tab.call_method(Network::Enable {
            max_total_buffer_size: None,
            max_resource_buffer_size: None,
            max_post_data_size: None,
            report_direct_socket_traffic: None,
            enable_durable_messages: None,
        })?;
        tab.add_event_listener(Arc::new(move |event: &Event| {
            let complaint = match event {
                Event::LogEntryAdded(event) => format!("log: {}", event.params.entry.text),
                Event::RuntimeExceptionThrown(event) => {
                    format!("exception: {:?}", event.params.exception_details)
                }
                Event::RuntimeConsoleAPICalled(event) => format!("console: {:?}", event.params.args),
                Event::NetworkRequestWillBeSent(event) => match event.params.request.url.as_str() {
                    url if url.starts_with("file://") && url.contains(".html") || url == "data:," => return,
                    url => format!("request: {url}"),
                },
                _ => return,
            };
            list.lock().expect("no other thread panics").push(complaint);
        }))?;
        Ok(Page { tab, complaints, _browser: browser })
    }

    /// Panics if the pages have written to the console or requested anything.
    pub fn assert_quiet(&self) {
        let complaints = self.complaints.lock().expect("no other thread panics");
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    pub fn open(&mut self, file: &Path, fragment: &str) -> Result<(), Failure> {
        // Another fragment of the same page would not load it again.
        self.tab.navigate_to("about:blank")?.wait_until_navigated()?;
        self.tab.navigate_to(&format!("file://{}{fragment}", file.display()))?.wait_until_navigated()?;
        self.assert_quiet();
        Ok(())
    }

    pub fn open_without_scripts(&mut self, file: &Path) -> Result<(), Failure> {
        self.tab.call_method(Emulation::SetScriptExecutionDisabled { value: true })?;
        self.open(file, "")
    }

    /// The text of an element that is visible, with scripts allowed again afterwards.
    pub fn text_without_scripts(&mut self, selector: &str) -> Result<String, Failure> {
        let element = self.tab.wait_for_element(selector)?;
        let visible = element.get_box_model()?.width > 100.0;
        let text = self.tab.get_content()?;
        self.tab.call_method(Emulation::SetScriptExecutionDisabled { value: false })?;
        assert!(visible, "{selector} is not visible");
        Ok(text)
    }

    pub fn run(&mut self, script: &str) -> Result<(), Failure> {
        self.text(&format!("{script}; ''")).map(|_| ())
    }

    pub fn text(&mut self, script: &str) -> Result<String, Failure> {
        let result = self.tab.evaluate(script, false)?;
        let value = result.value.ok_or_else(|| format!("{script}: {:?}", result.description))?;
        Ok(value.as_str().ok_or_else(|| format!("{script}: expected a text, found {value}"))?.to_owned())
    }

    pub fn json(&mut self, script: &str) -> Result<Value, Failure> {
        Ok(serde_json::from_str(&self.text(script)?)?)
    }

    /// Presses a key as a user does.
    pub fn key(&mut self, key: &str) -> Result<(), Failure> {
        self.tab.press_key(key)?;
        Ok(())
    }

    /// The processor time of the page's thread.
    pub fn thread_seconds(&mut self) -> Result<f64, Failure> {
        let metrics = self.tab.call_method(Performance::GetMetrics(None))?.metrics;
        let of = |name: &str| metrics.iter().find(|metric| metric.name == name).map(|metric| metric.value);
        Ok(of("TaskDuration").ok_or("expected the metric TaskDuration")?)
    }

    pub fn emulate(&mut self, width: u32, dark: bool) -> Result<(), Failure> {
        self.tab.call_method(SetDeviceMetricsOverride {
            width,
            height: 900,
            device_scale_factor: 1.0,
            mobile: false,
            scale: None,
            screen_width: None,
            screen_height: None,
            position_x: None,
            position_y: None,
            dont_set_visible_size: None,
            screen_orientation: None,
            viewport: None,
            display_feature: None,
            device_posture: None,
        })?;
        let value = if dark { "dark" } else { "light" }.to_owned();
        let features = Some(vec![MediaFeature { name: "prefers-color-scheme".to_owned(), value }]);
        self.tab.call_method(SetEmulatedMedia { media: None, features })?;
        Ok(())
    }

    pub fn picture(&mut self, file: &Path) -> Result<(), Failure> {
        let png =
            self.tab.capture_screenshot(Protocol::CaptureScreenshotFormatOption::Png, None, None, true)?;
        fs::write(file, png).map_err(|error| format!("{}: {error}", file.display()).into())
    }
}
