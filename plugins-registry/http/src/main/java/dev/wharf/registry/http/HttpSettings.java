package dev.wharf.registry.http;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.registry.http}. An underscore here is a dot there, {@code HOST} any host. */
@ObjectClassDefinition(
        name = "Registry backend http",
        description =
                "Pulls from OCI layouts that lie as files on a web server or in an S3-compatible store. Changed live;"
                        + " what is under way ends under the settings before.")
@interface HttpSettings {
    @AttributeDefinition(
            description = "Where the repositories of HOST are: an image HOST/PATH is the layout at this address and"
                    + " /PATH, such as https://s3.example/bucket/images")
    String stores_HOST() default "";

    @AttributeDefinition(
            description = "A file with the keys to the store of HOST, as aws_access_key_id, aws_secret_access_key and"
                    + " perhaps aws_session_token, which others may not read. Requests are signed with them (AWS"
                    + " Signature Version 4); nobody asks who we are if empty. Read anew for each pull")
    String keys_HOST() default "";

    @AttributeDefinition(description = "The region that signatures for the store of HOST name, us-east-1 if empty")
    String regions_HOST() default "";

    @AttributeDefinition(
            description = "A folder with a folder of certificates for each store; certs.d beside the settings if empty")
    String certificates() default "";

    @AttributeDefinition(description = "Seconds that a connection may take to come", min = "1", max = "3600")
    int timeout_connect() default 15;

    @AttributeDefinition(description = "Seconds that a store may be silent", min = "1", max = "86400")
    int timeout_idle() default 60;
}
