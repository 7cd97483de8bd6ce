package dev.wharf.housekeeping;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;

/** The settings of PID {@code dev.wharf.housekeeping}, as a console shows them. An underscore here is a dot there. */
@ObjectClassDefinition(
        name = "Housekeeping",
        description =
                "When jobs keep the host tidy, and by which policy. Changed live. Schedules are cron expressions of"
                        + " Quartz, second minute hour day month weekday, in the time zone of the host; empty for never."
                        + " See housekeeping.md.")
@interface HousekeepingSettings {
    @AttributeDefinition(description = "When images and steps of builds that are of no use go")
    String gc_schedule() default "";

    @AttributeDefinition(
            description = "Which images may go: all that no container uses, those without a name, or none",
            options = {@Option("unused"), @Option("dangling"), @Option("none")})
    String gc_images() default "unused";

    @AttributeDefinition(description = "An image goes that was not used for longer, as 30d; empty: age is no reason")
    String gc_unused_for() default "30d";

    @AttributeDefinition(
            description = "What images may take, as 20GB or 60% of the disk; past it the longest unused go first")
    String gc_keep_storage() default "";

    @AttributeDefinition(description = "An image stays in any case for this long after it came or was used")
    String gc_min_age() default "1h";

    @AttributeDefinition(description = "Images with one of these labels stay: name or name=value, separated by commas")
    String gc_keep_labels() default "";

    @AttributeDefinition(
            description = "Images with one of these names stay, separated by commas; * stands for anything")
    String gc_keep_references() default "";

    @AttributeDefinition(description = "A step goes that no build used for longer; empty: age is no reason")
    String gc_cache_unused_for() default "14d";

    @AttributeDefinition(description = "What the cache of builds may take, as 10GB or 10% of the disk")
    String gc_cache_keep_storage() default "";

    @AttributeDefinition(description = "When a checkpoint is written and the oldest part of the journal goes")
    String journal_schedule() default "0 10 3 * * ?";

    @AttributeDefinition(description = "How long the journal is kept, as 90d; empty: as wharf.journal.keep says")
    String journal_keep() default "";

    @AttributeDefinition(description = "What the journal may take, as 2GB; past it the oldest part goes first")
    String journal_size() default "";

    @AttributeDefinition(description = "When it is checked that container logs stay within their limits")
    String logs_schedule() default "0 5 3 * * ?";

    @AttributeDefinition(description = "When what is stored is read again and compared with its digests")
    String scrub_schedule() default "0 30 3 ? * SUN";

    @AttributeDefinition(description = "What of: images, layers, journal; separated by commas")
    String scrub_what() default "images,layers,journal";

    @AttributeDefinition(description = "MiB a second that it reads at most", min = "1", max = "1000000")
    int scrub_rate_mib() default 100;

    @AttributeDefinition(description = "When kernel and disk are compared with what is known of them")
    String survey_schedule() default "0 20 3 * * ?";

    @AttributeDefinition(description = "When files of removed containers are held within their limit")
    String undelete_schedule() default "0 15 3 * * ?";

    @AttributeDefinition(
            description =
                    "What files of removed containers may take, as 5GB; past it those go that had least time left")
    String undelete_keep_storage() default "";
}
