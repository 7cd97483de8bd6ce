package dev.wharf.itests.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** A Chromium without a screen that is clicked and typed into as people do, and takes pictures. */
final class Browser implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Path PICTURES = Path.of("target/screenshots");

    private final ChromeDriver driver;

    private Browser(ChromeDriver driver) {
        this.driver = driver;
    }

    /** @param profile an empty folder */
    static Browser open(Path profile) {
        ChromeOptions options = new ChromeOptions();
        options.setBinary("/usr/bin/chromium");
        options.addArguments(
                "--headless=new",
                // Root's own sandbox is of no use to Chromium, and the pages are ours.
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--lang=en-GB",
                "--user-data-dir=" + profile);
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        options.setCapability("goog:loggingPrefs", logs);
        ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(Path.of("/usr/bin/chromedriver").toFile())
                .usingAnyFreePort()
                .build();
        ChromeDriver driver = new ChromeDriver(service, options);
        driver.manage().timeouts().pageLoadTimeout(Duration.ofSeconds(30));
        driver.manage().timeouts().scriptTimeout(Duration.ofSeconds(30));
        driver.manage().window().setSize(new Dimension(1280, 1000));
        return new Browser(driver);
    }

    void go(String url) {
        driver.get(url);
    }

    /** Something to be true sooner or later; what else is seen says why it was not. */
    interface Hope {
        boolean isTrue();
    }

    void await(String what, Hope hope) throws InterruptedException, IOException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < end) {
            try {
                if (hope.isTrue()) {
                    return;
                }
            } catch (StaleElementReferenceException e) {
                // It was drawn anew while it was looked at.
            }
            Thread.sleep(50);
        }
        shot("failed");
        throw new AssertionError("not so: " + what + "\n" + text("body") + "\n" + complaints());
    }

    /** The first visible element, once there is one. */
    WebElement see(String css) throws InterruptedException, IOException {
        await(css + " is seen", () -> all(css).stream().anyMatch(WebElement::isDisplayed));
        return all(css).stream().filter(WebElement::isDisplayed).findFirst().orElseThrow();
    }

    List<WebElement> all(String css) {
        return driver.findElements(By.cssSelector(css));
    }

    /** The visible text of the first such element, empty where there is none. */
    String text(String css) {
        return all(css).stream().findFirst().map(WebElement::getText).orElse("");
    }

    void awaitText(String css, String text) throws InterruptedException, IOException {
        await(css + " says " + text, () -> text(css).contains(text));
    }

    void click(String css) throws InterruptedException, IOException {
        see(css).click();
    }

    /** The first visible button, link or label that says just this, once there is one. */
    WebElement seeText(String text) throws InterruptedException, IOException {
        By by = By.xpath(
                "//*[self::button or self::a or self::span or self::td or self::h2][normalize-space()='" + text + "']");
        await(text + " is seen", () -> driver.findElements(by).stream().anyMatch(WebElement::isDisplayed));
        return driver.findElements(by).stream()
                .filter(WebElement::isDisplayed)
                .findFirst()
                .orElseThrow();
    }

    void clickText(String text) throws InterruptedException, IOException {
        seeText(text).click();
    }

    /** Goes on in the window that was opened last. */
    void inNewWindow() throws InterruptedException, IOException {
        await("there is another window", () -> driver.getWindowHandles().size() > 1);
        driver.switchTo()
                .window(List.copyOf(driver.getWindowHandles())
                        .get(driver.getWindowHandles().size() - 1));
    }

    void type(String css, CharSequence... keys) throws InterruptedException, IOException {
        see(css).sendKeys(keys);
    }

    /** Presses keys wherever the focus is. */
    void press(CharSequence... keys) {
        new Actions(driver).sendKeys(keys).perform();
    }

    /** Goes one step back by the tabulator. */
    void pressBack() {
        new Actions(driver)
                .keyDown(Keys.SHIFT)
                .sendKeys(Keys.TAB)
                .keyUp(Keys.SHIFT)
                .perform();
    }

    WebElement focused() {
        return driver.switchTo().activeElement();
    }

    /** Goes on by the tabulator until what has the focus is called so. */
    void tabTo(String label) {
        for (int i = 0; i < 200; i++) {
            press(Keys.TAB);
            WebElement now = focused();
            if (label.equals(now.getAccessibleName())) {
                return;
            }
        }
        throw new AssertionError("the tabulator never comes to " + label);
    }

    Object run(String script, Object... values) {
        return driver.executeScript(script, values);
    }

    Object runAsync(String script, Object... values) {
        return driver.executeAsyncScript(script, values);
    }

    void prefer(String colours) {
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", colours))));
    }

    void shot(String name) throws IOException {
        Files.createDirectories(PICTURES);
        Files.write(PICTURES.resolve(name + ".png"), driver.getScreenshotAs(OutputType.BYTES));
    }

    /** What the browser complained of since it was asked last: scripts that broke, policies that were broken. */
    List<String> complaints() {
        return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
                .filter(entry -> entry.getLevel().intValue() >= Level.SEVERE.intValue())
                .map(LogEntry::getMessage)
                .toList();
    }

    void assertNoComplaints() {
        assertThat(complaints()).isEmpty();
    }

    @Override
    public void close() {
        driver.quit();
    }
}
