#include "controller/manifests/catalog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace steelyard::manifests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string service(const std::string& name, int port = 80) {
    return "---\napiVersion: v1\nkind: Service\nmetadata: {namespace: shop, name: " + name +
           "}\nspec: {ports: [{port: " + std::to_string(port) + "}]}\n";
}

struct CatalogTest : testing::Test {
    Catalog catalog{"dir"};

    void read(const std::string& file, const std::string& text) {
        auto decoded = decode_manifest(text);
        if (decoded) {
            catalog.read(file, *std::move(decoded));
        } else {
            catalog.failed(file, decoded.error());
        }
    }
    // "+web:80" an upsert, "-web" a removal.
    static std::vector<std::string> told(const Catalog::Changes& changes) {
        std::vector<std::string> all;
        for (const auto& object : changes.upsert) {
            const auto& made = std::get<kube::Service>(*object);
            all.push_back("+" + made.meta.name + ":" + std::to_string(made.ports.at(0).port));
        }
        for (const auto& removal : changes.remove) all.push_back("-" + removal.key.name);
        return all;
    }
};

TEST_F(CatalogTest, TellsWhatAFileAddsChangesAndTakesAway) {
    read("a.yaml", service("web") + service("api"));
    EXPECT_THAT(told(catalog.take()), ElementsAre("+api:80", "+web:80"));
    read("a.yaml", service("web", 81) + service("api"));
    EXPECT_THAT(told(catalog.take()), ElementsAre("+web:81"));
    read("a.yaml", service("web", 81));
    EXPECT_THAT(told(catalog.take()), ElementsAre("-api"));
    catalog.removed("a.yaml");
    EXPECT_THAT(told(catalog.take()), ElementsAre("-web"));
    EXPECT_EQ(catalog.objects(), 0U);
    EXPECT_EQ(catalog.files(), 0U);
}

TEST_F(CatalogTest, OfAPolicyThatIsWrongTheLastGoodVersionStays) {
    const auto policy = [](const std::string& fields) {
        return "---\napiVersion: steelyard.dev/v1alpha1\nkind: LoadBalancingPolicy\nmetadata: {name: web}\n"
               "spec:\n  targetRefs: [{name: web}]\n  " +
               fields + "\n";
    };
    read("a.yaml", policy("algorithm: Random"));
    const auto first = catalog.take();
    ASSERT_EQ(first.upsert.size(), 1U);
    const auto& told_first = std::get<kube::LoadBalancingPolicy>(*first.upsert[0]);
    EXPECT_EQ(told_first.meta.key().to_string(), "default/web");
    EXPECT_EQ(told_first.spec.algorithm, config::Algorithm::random);

    read("a.yaml", policy("algoritm: Maglev"));
    const auto second = catalog.take();
    EXPECT_TRUE(second.upsert.empty());
    EXPECT_TRUE(second.remove.empty());
    ASSERT_EQ(second.problems.size(), 1U);
    EXPECT_THAT(second.problems[0], testing::StartsWith("dir/a.yaml, document 1 (LoadBalancingPolicy default/web): "
                                                        "spec.algoritm: is not a field that is known here"));
    EXPECT_THAT(second.problems[0], testing::EndsWith("; the last good version stays in force"));

    read("a.yaml", policy("drainTimeout: {}"));
    EXPECT_THAT(catalog.take().problems,
                testing::Contains(testing::HasSubstr("spec.drainTimeout: {...} is an object, not a text")));
}

TEST_F(CatalogTest, AnObjectMovedBetweenFilesIsNotTold) {
    read("a.yaml", service("web"));
    catalog.take();
    read("b.yaml", service("web"));
    catalog.removed("a.yaml");
    EXPECT_TRUE(catalog.take().empty());
}

TEST_F(CatalogTest, OfTwoFilesTheFirstByNameHasItsWayAndTheOtherIsToldSo) {
    read("b.yaml", service("web", 82));
    EXPECT_THAT(told(catalog.take()), ElementsAre("+web:82"));
    read("a.yaml", service("web", 81));
    Catalog::Changes changes = catalog.take();
    EXPECT_THAT(told(changes), ElementsAre("+web:81"));
    EXPECT_THAT(changes.problems,
                ElementsAre("dir/b.yaml, document 1 (Service shop/web): is declared in a.yaml, document 1 "
                            "(Service shop/web), as well; that one is in force"));
    catalog.removed("a.yaml");
    changes = catalog.take();
    EXPECT_THAT(told(changes), ElementsAre("+web:82"));
    EXPECT_EQ(changes.mended.size(), 1U);
    EXPECT_EQ(catalog.problems(), 0U);
}

TEST_F(CatalogTest, WithinAFileTheFirstDocumentHasItsWay) {
    read("a.yaml", service("web", 81) + service("web", 82));
    const Catalog::Changes changes = catalog.take();
    EXPECT_THAT(told(changes), ElementsAre("+web:81"));
    EXPECT_THAT(changes.problems,
                ElementsAre("dir/a.yaml, document 2 (Service shop/web): is declared in document 1 (Service shop/web) "
                            "as well; that one is in force"));
}

TEST_F(CatalogTest, AFileThatDoesNotParseKeepsWhatItHad) {
    read("a.yaml", service("web") + service("api"));
    catalog.take();
    read("a.yaml", "kind: [");
    Catalog::Changes changes = catalog.take();
    EXPECT_THAT(told(changes), IsEmpty());
    ASSERT_EQ(changes.problems.size(), 1U);
    EXPECT_THAT(changes.problems[0], testing::StartsWith("dir/a.yaml, line 1, column 1: "));
    EXPECT_THAT(changes.problems[0], testing::EndsWith("; 2 objects last read from it stay in force"));
    read("a.yaml", "kind: [");
    EXPECT_TRUE(catalog.take().empty()) << "said once";
    read("a.yaml", service("web") + service("api"));
    changes = catalog.take();
    EXPECT_THAT(told(changes), IsEmpty());
    EXPECT_EQ(changes.mended.size(), 1U);
}

TEST_F(CatalogTest, ABadObjectIsIgnoredAndTheRestOfItsFileGoesOn) {
    read("web.yaml", service("api") + service("web", 0));
    const Catalog::Changes changes = catalog.take();
    EXPECT_THAT(told(changes), ElementsAre("+api:80"));
    EXPECT_THAT(
        changes.problems,
        ElementsAre("dir/web.yaml, document 2 (Service shop/web): spec.ports[0].port: 0 is not a port (1-65535); "
                    "the Service is ignored until it is mended"));
}

TEST_F(CatalogTest, AnObjectThatTurnsBadStaysAsItLastWasGood) {
    read("a.yaml", service("web", 81));
    catalog.take();
    read("a.yaml", service("web", 0));
    const Catalog::Changes changes = catalog.take();
    EXPECT_THAT(told(changes), IsEmpty());
    EXPECT_THAT(changes.problems,
                ElementsAre("dir/a.yaml, document 1 (Service shop/web): spec.ports[0].port: 0 is not a port (1-65535); "
                            "the last good version stays in force"));
    read("a.yaml", service("web", 82));
    EXPECT_THAT(told(catalog.take()), ElementsAre("+web:82"));
}

TEST_F(CatalogTest, WhileAFileHasAFaultNothingIsTakenAwayFromIt) {
    read("a.yaml", service("web") + service("api"));
    catalog.take();
    read("a.yaml", "---\nkind: Servic\nmetadata: {name: 5}\n" + service("web", 81) + "---\napiVersion: v1\n");
    Catalog::Changes changes = catalog.take();
    EXPECT_THAT(told(changes), ElementsAre("+web:81"));
    EXPECT_THAT(changes.problems,
                ElementsAre("dir/a.yaml, document 3: kind: is missing; the document is ignored until it is mended",
                            "dir/a.yaml: 1 object that it no longer names stay in force until it is mended"));
    read("a.yaml", service("web", 81));
    changes = catalog.take();
    EXPECT_THAT(told(changes), ElementsAre("-api"));
    EXPECT_EQ(changes.mended.size(), 2U);
}

TEST_F(CatalogTest, AProblemOfTheDirectoryIsSaidOnceUntilItIsGone) {
    catalog.set_problem("dir: is gone");
    EXPECT_THAT(catalog.take().problems, ElementsAre("dir: is gone"));
    EXPECT_TRUE(catalog.take().empty());
    catalog.set_problem({});
    EXPECT_THAT(catalog.take().mended, ElementsAre("dir: is gone"));
}

}  // namespace
}  // namespace steelyard::manifests
