#pragma once
// What one unit of translation makes: resources and problems, the latter bounded.
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "common/config/model.hpp"
#include "controller/translate/translator.hpp"

namespace steelyard::translate {

class Output {
public:
    static constexpr size_t kMaxProblems = 16;

    // `subject` names the object in every message: "Service shop/web".
    explicit Output(std::string subject) : subject_(std::move(subject)) {}

    void add(config::Resource resource) { resources.push_back(std::move(resource)); }
    // `where` is the field's path; `problem` says what is wrong and what is in force now.
    void refuse(const char* reason, const std::string& where, const std::string& problem) {
        if (problems.size() < kMaxProblems) {
            problems.push_back({reason, subject_ + ": " + where + ": " + problem});
        } else {
            ++unlisted_;
        }
    }
    // Call last.
    void close() {
        if (unlisted_ != 0)
            problems.push_back({"MoreProblems", subject_ + ": " + std::to_string(unlisted_) + " more problems"});
    }

    std::vector<config::Resource> resources;
    std::vector<Problem> problems;

private:
    std::string subject_;
    size_t unlisted_ = 0;
};

}  // namespace steelyard::translate
